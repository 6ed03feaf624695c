"""Chapter three: crawlers at members' sites, with a licence, without one, and where none helps."""

from datetime import datetime
from typing import Any, ClassVar

from federation.demo.stage import Stage, when
from federation.demo.web import BROWSER, Answer
from federation.errors import RefusalError
from federation.scenario.model import UsageRow
from federation.tabular import parse_instant


class UnexpectedAnswerError(RefusalError):
    """A site answered otherwise than the demo says it must."""

    code: ClassVar[str] = "UNEXPECTED_ANSWER"


async def show_tokens(stage: Stage) -> list[UsageRow]:
    """Show one node's tokens at a site of each other node; return the pages still to fetch."""
    rows = stage.script.lines("site")
    stage.tell.chapter(f"Crawling ({when(_at(rows[0]))})")
    others = [code for code in stage.federation.nodes if code != stage.script.plan.mint]
    first = {code: next(row for row in rows if _node(stage, row) == code) for code in others}
    for code, row in first.items():
        await _show_token(stage, code, row)
    return [row for row in rows if row not in first.values()]


async def _show_token(stage: Stage, code: str, row: UsageRow) -> None:
    answer = await _fetch(stage, row)
    is_down = code == stage.script.plan.down
    stage.tell.step(
        "token",
        f"A token minted by the node of {stage.script.plan.mint} opens a page of {code}:"
        f" {answer.status}.",
        f"{row.url}, {row.use}, under {stage.number(row.licence)}",
        "the token is for the sites of all, and bound to the key that signed the request",
        *(["its node is still down: a site checks tokens offline"] if is_down else []),
        facts={"node": code, "url": row.url, "status": answer.status},
    )


def _node(stage: Stage, row: UsageRow) -> str:
    return stage.web.site(row.url).part.collective


def _at(row: UsageRow) -> datetime:
    return parse_instant(row.occurred_at)


async def _fetch(stage: Stage, row: UsageRow) -> Answer:
    """Fetch a page at its business time; a page that is licensed must open."""
    stage.set_clock(_at(row))
    answer = await stage.crawlers[row.licence].fetch(row.url, row.use)
    _expect(answer, 200, row.url)
    return answer


async def fetched(stage: Stage, row: UsageRow, agent: str, headers: dict[str, str]) -> Answer:
    """Return what a site answers to who shows a token of its own; the page must open."""
    answer = await stage.web.get(row.url, agent, headers)
    _expect(answer, 200, row.url)
    return answer


def _expect(answer: Answer, status: int, url: str) -> None:
    if answer.status != status:
        raise UnexpectedAnswerError(f"{url}: {answer}, not {status}")


async def show_refusals(stage: Stage) -> None:
    """A person passes; a bot without a licence does not; no licence opens a withheld work."""
    bot, withheld = stage.script.plan.bot, stage.script.plan.withheld
    answer = await stage.web.get(bot.url, BROWSER)
    _expect(answer, 200, bot.url)
    stage.tell.step("reader", f"A reader with a browser passes untouched: {answer}.", bot.url)
    answer = await stage.web.get(bot.url, bot.agent)
    _expect(answer, 401, bot.url)
    stage.tell.step(
        "bot",
        f"A bot without a licence is refused: {answer}.",
        f"{bot.url}, {bot.agent.partition(' ')[0]}",
        f"it is told where to buy: {answer.buy_at}",
        facts=_facts(answer),
    )
    answer = await stage.crawlers[withheld.licence].fetch(withheld.url, withheld.use)
    _expect(answer, 403, withheld.url)
    stage.tell.step(
        "withheld",
        f"A work whose author opted out is refused to a licensed crawler too: {answer}.",
        f"{withheld.url}, {withheld.use}, under {stage.number(withheld.licence)}",
        facts=_facts(answer),
    )


def _facts(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "code": answer.code}


async def crawl(stage: Stage, rows: list[UsageRow]) -> None:
    """Fetch the other pages, one after the other; every page served is one unit of usage."""
    for row in rows:
        await _fetch(stage, row)
    fetched = {stage.number(name): x.fetched for name, x in stage.crawlers.items()}
    texts = [f"{count} pages under {number}" for number, count in fetched.items()]
    waiting = sum(site.unreported() for site in stage.web.sites.values())
    stage.tell.step(
        "crawled",
        f"The crawlers fetched {' and '.join(texts)}.",
        f"{waiting} visits wait on the sites' disks to be reported",
        facts={"fetched": fetched},
    )
