"""A licence is stopped for a while: every site reads it in the licensor's status list."""

import asyncio

from federation.crawler.refusals import LicenceSuspendedError
from federation.demo import documents as ask
from federation.demo.crawling import UnexpectedAnswerError
from federation.demo.stage import Stage, when
from federation.scenario.model import UsageRow


async def show_suspension(stage: Stage) -> None:
    """Suspend the licence of all works, have a site of each node refuse it, and reinstate it."""
    plan = stage.script.plan
    number, crawler = stage.number(plan.quoted), stage.crawlers[plan.quoted]
    pages = _pages(stage)
    stage.set_clock(plan.stop_at)
    stage.tell.chapter(f"Stopping a licence ({when(plan.stop_at)})")
    first = next(iter(pages.values()))
    await crawler.headers(first.url, first.use)  # a token that is still good for an hour
    officer = stage.federation.hub.person("licensing")
    await officer.ask(ask.SUSPEND, number=number, reason="a report is overdue")
    await stage.story.settle_down()
    await asyncio.gather(*(stage.web.site(row.url).look_again() for row in pages.values()))
    answers = {code: await crawler.fetch(row.url, row.use) for code, row in pages.items()}
    if {str(answer) for answer in answers.values()} != {"402 LICENCE_SUSPENDED"}:
        raise UnexpectedAnswerError(f"{number}: {', '.join(map(str, answers.values()))}")
    stage.tell.step(
        "stopped",
        f"The hub suspends {number}: sites of {', '.join(answers)} refuse it:"
        f" {answers[plan.mint]}.",
        "why: a report of the lab on its use is overdue",
        "its token was still good; each site reads the licensor's status list within a minute",
        f"the node of {plan.mint} gives no other: {await _refusal(stage, first)}",
        facts={code: answer.code for code, answer in answers.items()},
    )
    await officer.ask(ask.REINSTATE, number=number, reason="the report has come")
    await stage.story.settle_down()
    stage.tell.step(
        "reinstated", f"The lab hands in what was missing; the hub reinstates {number}."
    )


def _pages(stage: Stage) -> dict[str, UsageRow]:
    """Return a page of a site of each node that the licence has opened."""
    rows = [row for row in stage.script.lines("site") if row.licence == stage.script.plan.quoted]
    nodes = stage.federation.nodes
    found = {code: [x for x in rows if _code(stage, x) == code] for code in nodes}
    return {code: theirs[0] for code, theirs in found.items()}


def _code(stage: Stage, row: UsageRow) -> str:
    return stage.web.site(row.url).part.collective


async def _refusal(stage: Stage, row: UsageRow) -> str:
    """Return what the crawler hears that asks for another token."""
    try:
        await stage.crawlers[row.licence].start_over(row.url, row.use)
    except LicenceSuspendedError as refusal:
        return refusal.headline.partition(";")[0].rstrip(".") + "."
    raise UnexpectedAnswerError("a suspended licence had a token minted")
