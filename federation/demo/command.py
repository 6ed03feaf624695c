"""`federation demo`: plays the story, shows the figures, writes the files, and stays if asked."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from rich.padding import Padding
from rich.text import Text

from federation.demo import (
    buying,
    clients,
    crawling,
    delivery,
    figures,
    joining,
    printing,
    rsl,
    settling,
    stopping,
)
from federation.demo.plan import Script, read_script
from federation.demo.report import Report
from federation.demo.servers import launched
from federation.demo.sites import MemberSite
from federation.demo.stage import Stage
from federation.demo.staying import stay
from federation.demo.teller import Teller
from federation.demo.web import Web
from federation.scenario import outputs
from federation.scenario.story import Story

INTRODUCTION = """\
One licence, three collectives, every cent accounted for: servers, sites and crawlers on this
machine, over real HTTP. Names are invented."""
WHAT = {
    "report.json": "every figure of the month",
    "journal.beancount": "the servers' books; bean-check reads it",
    "runs": "the run; its SHA-256 is the run's id",
    "statements": "one for each collective",
    "members": "what each member gets, and why",
    "payments": "bank orders, pain.001",
}


async def run_demo(out: Path, tell: Teller, *, is_to_stay: bool) -> dict[str, Any]:
    """Play the demo, write OUT, and return the report as plain values."""
    outputs.empty(out)
    tell.console.print(Text(INTRODUCTION))
    with tempfile.TemporaryDirectory(prefix="federation-demo-") as temporary:
        async with _stage(read_script(), Path(temporary), tell) as stage:
            await play(stage)
            report, files = await figures.collect(stage)
            outputs.write(out, files)
            printing.show(tell.console, report)
            _show_files(tell, out, sorted(files))
            if is_to_stay:
                await stay(stage, out)
    return _plain(report, tell, [str(out / name) for name in sorted(files)])


async def play(stage: Stage) -> None:
    """Play the chapters, over HTTP and through the same doors as everybody."""
    await joining.join(stage)
    await joining.register(stage)
    await joining.publish_tariff(stage)
    stage.set_clock(stage.script.plan.buy_at)
    await joining.open_sites(stage)
    quote = await buying.request_quote(stage)
    await stage.servers.stop(stage.script.plan.down)
    await buying.accept(stage, quote)
    await buying.sell_nationals(stage)
    await delivery.show_down(stage)
    await buying.pay(stage)
    await delivery.show_registrations(stage, "registrations", pending=stage.script.plan.down)
    await clients.make_crawlers(stage)
    rows = await rsl.buy(stage, await crawling.show_tokens(stage))
    await crawling.show_refusals(stage)
    await crawling.crawl(stage, rows)
    await settling.bring_back(stage)
    await settling.report_usage(stage)
    await stopping.show_suspension(stage)
    await settling.settle(stage)


@contextlib.asynccontextmanager
async def _stage(script: Script, folder: Path, tell: Teller) -> AsyncIterator[Stage]:
    """Start the servers, and stop them and the sites at the end."""
    async with launched(script, folder) as servers:
        sites = [
            MemberSite(part, folder, script.members[part.collective][part.member])
            for part in script.plan.site
        ]
        web = Web(servers.http, {site.host: site for site in sites})
        try:
            yield Stage(
                script, servers, Story(script.scenario, servers.federation), web, tell, folder
            )
        finally:
            await asyncio.gather(*(site.close() for site in sites))


def _show_files(tell: Teller, out: Path, names: list[str]) -> None:
    tell.console.print()
    tell.console.print(Text(f"Written to {out}", style="bold"), soft_wrap=True)
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(name.partition("/")[0], []).append(name)
    for kind, found in kinds.items():
        for name in found:
            text = f"{name:<30} {WHAT[kind] if name == found[0] else ''}".rstrip()
            tell.console.print(Padding.indent(Text(text), 2))


def _plain(report: Report, tell: Teller, files: list[str]) -> dict[str, Any]:
    return {
        "format": 1,
        "steps": msgspec.to_builtins(tell.steps),
        **msgspec.to_builtins(report),
        "files": files,
    }


def json_text(report: dict[str, Any]) -> str:
    """Write the report as JSON."""
    return json.dumps(report, ensure_ascii=False, indent=1)
