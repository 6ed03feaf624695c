"""`federation conformance URL`: the verdict on each rule, for people or for programs."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
import rich_click as click

from federation.conformance.verdicts import BadTrialError, Outcome, Verdict

if TYPE_CHECKING:
    from federation.conformance.papers import Papers

FOLDER: Final = click.Path(file_okay=False, path_type=Path)
PORT: Final = 8_790
ALL_PASSED, SOME_FAILED, SOME_NOT_TRIED = 0, 1, 2


@click.command()
@click.argument("url", required=False)
@click.option("--trial", "folder", type=FOLDER, default="trial", show_default=True)
@click.option(
    "--prepare",
    "port",
    type=click.IntRange(1, 65_535),
    is_flag=False,
    flag_value=PORT,
    help="Make the folder of a trial, whose hub listens on this port; nothing is asked.",
)
@click.option("--only", multiple=True, metavar="RULE", help="Rules whose name begins so.")
@click.option("--seconds", type=click.FloatRange(1, 3_600), default=600, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def conformance(
    url: str | None,
    folder: Path,
    port: int | None,
    only: tuple[str, ...],
    seconds: float,
    as_json: bool,
) -> None:
    """Judge by rules whether the federation can work with the node at URL (docs/conformance.md).

    Exit code 0: every rule PASSED. 1: some FAILED. 2: none FAILED, but some were NOT TRIED.
    """
    from federation.conformance.papers import SETTINGS, Papers, prepare  # noqa: PLC0415 - signs

    if port is not None:
        click.echo(f"Read {folder / SETTINGS}. The hub's key: {prepare(folder, port)}")
        return
    if urlsplit(url or "").scheme not in {"http", "https"}:
        raise BadTrialError("name the node by its address: http://… or https://…")
    verdicts = asyncio.run(_judged(str(url), Papers(folder), only, seconds, as_json=as_json))
    if code := _exit_code(verdicts):
        sys.exit(code)


async def _judged(
    url: str, papers: "Papers", only: tuple[str, ...], seconds: float, *, as_json: bool
) -> list[Verdict]:
    from federation.conformance.hub import TrialHub  # noqa: PLC0415
    from federation.conformance.judging import (  # noqa: PLC0415 - loads a server
        chosen,
        judged,
        trial_with,
    )

    rules = chosen(only)
    if not rules:
        raise BadTrialError(f"no rule begins with {' or '.join(only)}")
    verdicts: list[Verdict] = []
    async with TrialHub(papers) as hub, trial_with(url, hub, seconds) as trial:
        async for verdict in judged(trial, rules):
            verdicts.append(verdict)
            if not as_json:
                _show(verdict)
    counts = {one.value: sum(v.outcome is one for v in verdicts) for one in Outcome}
    if as_json:
        found: dict[str, Any] = {"url": url, "counts": counts}
        found["rules"] = [verdict.as_json() for verdict in verdicts]
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo(", ".join(f"{count} {name}" for name, count in counts.items()))
    return verdicts


def _show(verdict: Verdict) -> None:
    """Print a verdict: a line, and below it why, where it did not pass."""
    click.echo(f"{verdict.outcome.value:<9}  {verdict.rule.name}: {verdict.rule.sentence}")
    said = {"why": verdict.reason, "sent": verdict.sent, "came": verdict.came}
    if verdict.outcome is Outcome.FAILED:
        said["rule"] = verdict.rule.source
    for name, text in said.items():
        if text:
            click.echo(f"{'':<11}{name}: {text}")


def _exit_code(verdicts: list[Verdict]) -> int:
    found = {verdict.outcome for verdict in verdicts}
    if Outcome.FAILED in found:
        return SOME_FAILED
    return SOME_NOT_TRIED if Outcome.NOT_TRIED in found else ALL_PASSED
