"""The command `federation-site logs`: reads access logs, hands the usage in, says what it did."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from federation.accesslogs.agents import Agents, read_agents
from federation.accesslogs.hits import LoggedLine
from federation.accesslogs.importing import Desk, Sink, read_log
from federation.accesslogs.judging import Judge
from federation.accesslogs.known import KnownLogs, only_import
from federation.accesslogs.saying import Summary, said_by_node, said_of_hosts
from federation.accesslogs.sending import HandIn
from federation.clock import Clock, system_clock
from federation.errors import RefusalError
from federation.gate.origins import Origins
from federation.gate.refusals import SpoolFullError
from federation.gate.spool import Spool
from federation.site.settings import FILE_NAME, Settings, SettingsError, read_settings

EXIT_REFUSED: Final = 2
GATE_FILES: Final = ("policy.jwt", "visits.json", "served.place")
"""What only a gate writes into the directory of a site."""
_MONTHS_MAX: Final = 120
_DAYS_OF_MONTH: Final = 31


class GateCountsError(RefusalError):
    """A gate counts what this site serves: its log would count each page a second time."""

    code: ClassVar[str] = "GATE_COUNTS"


class OtherOwnerError(RefusalError):
    """The site's directory belongs to another user, who could not read what is written there."""

    code: ClassVar[str] = "OTHER_OWNER"


def main(arguments: Sequence[str], *, clock: Clock = system_clock) -> int:
    """Read the logs that are named; return the exit code, 2 where something was refused."""
    asked = _parser().parse_args(arguments)
    try:
        settings = read_settings(asked.config)
        judge = _judge(settings, asked, clock())
        if asked.dry_run:
            _read(asked.logs, Desk(judge, KnownLogs(None), _NOWHERE), settings.origins)
        else:
            _import(settings, judge, asked, clock)
    except (RefusalError, OSError) as error:
        code = error.code if isinstance(error, RefusalError) else "DISK"
        sys.stderr.write(f"federation-site: {code}: {error}\n")
        return EXIT_REFUSED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="federation-site logs",
        description="Read access logs of web servers and hand licensed crawlers' hits in as usage.",
    )
    parser.add_argument("logs", nargs="+", metavar="LOG", help="a file, also gzipped; - is stdin")
    parser.add_argument("--config", type=Path, default=Path(FILE_NAME), metavar="FILE")
    parser.add_argument("--agents", type=Path, help="which user agents which licence names")
    parser.add_argument("--months", type=_months, default=13, help="older lines are refused (13)")
    parser.add_argument(
        "--since", type=_instant, metavar="INSTANT", help="lines from before are refused"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and say, write nothing")
    parser.add_argument("--no-send", action="store_true", help="leave the usage in the spool")
    parser.add_argument(
        "--other-host", action="store_true", help="the logs are of a machine without the gate"
    )
    return parser


def _months(text: str) -> int:
    months = int(text)
    if not 1 <= months <= _MONTHS_MAX:
        raise argparse.ArgumentTypeError(f"1 to {_MONTHS_MAX} months, not {months}")
    return months


def _require_no_gate(directory: Path) -> None:
    """Refuse logs beside a gate: what it let in is usage already, and would be paid twice."""
    if found := [name for name in GATE_FILES if (directory / name).exists()]:
        raise GateCountsError(
            f"{directory} is a gate's ({', '.join(found)}), which counts each page as it is served:"
            " say --other-host if these logs are of another machine, where no gate stands"
        )


def _require_owner(directory: Path) -> None:
    """Refuse to write into another user's directory, as root would: nobody could hand that in."""
    if directory.exists() and (owner := directory.stat().st_uid) != os.geteuid():
        raise OtherOwnerError(f"{directory} belongs to user {owner}: run this as that user")


def _judge(settings: Settings, asked: argparse.Namespace, now: datetime) -> Judge:
    try:
        origins = Origins(settings.origins)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    named = [] if asked.agents is None else read_agents(asked.agents)
    oldest = now.astimezone(UTC) - timedelta(days=_DAYS_OF_MONTH * asked.months)
    return Judge(
        origins=origins,
        agents=Agents(named, settings.crawlers.rule()),
        unit=settings.unit,
        now=now.astimezone(UTC),
        oldest=max(oldest, asked.since or oldest),
    )


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _read(names: Sequence[str], desk: Desk, origins: Sequence[str]) -> None:
    summary = Summary()
    for name in names:
        summary.add(name, read_log(name, desk))
        sys.stdout.write(summary.of_last())
        sys.stdout.flush()
    sys.stdout.write(said_of_hosts(desk.judge.other_hosts, origins))
    sys.stdout.write(summary.of_all())


def _import(settings: Settings, judge: Judge, asked: argparse.Namespace, clock: Clock) -> None:
    directory = asked.config.parent / settings.directory
    if not asked.other_host:
        _require_no_gate(directory)
    _require_owner(directory)
    home = directory / "logs"
    with only_import(home):
        spool = Spool(directory / "spool", fsync=False)
        hand_in = HandIn(settings, spool, clock)
        sink = _sink(spool, None if asked.no_send else hand_in)
        try:
            _read(asked.logs, Desk(judge, KnownLogs(home), sink), settings.origins)
        finally:
            spool.close()
            if not asked.no_send:
                hand_in.send()
            sys.stdout.write(said_by_node(hand_in))


def _sink(spool: Spool, hand_in: HandIn | None) -> Sink:
    """Return the spool as a sink; where it is full, what waits is sent before it is refused."""

    def write(lines: Sequence[LoggedLine]) -> None:
        try:
            spool.extend(lines)
        except SpoolFullError:
            if hand_in is None:
                raise
            hand_in.send()
            spool.extend(lines)

    return Sink(write, spool.close)


def _drop(lines: Sequence[LoggedLine]) -> None:
    """Let go of lines: nothing is written down."""


_NOWHERE: Final = Sink(_drop, lambda: None)
