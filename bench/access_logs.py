"""How fast access logs become usage, and in how much memory, beside a loop that only splits lines.

A log of people and crawlers is made (the same each time), gigabytes of it if asked: with real user
agents where `--user-agents` names a JSON list of them (crawler-user-agents, ai.robots.txt) or that
package is installed. One line in 100, one in 10, and each line is licensed: it shows a licence
token, or with `--without-ids` its agent is named and no request has an id. The import and the plain
loop take turns, each in a process of its own; the best of each counts, and what was counted is
compared with what was written.
"""

import argparse
import base64
import contextlib
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from federation.site.settings import FILE_NAME, Settings, SiteClient, new_settings

ROUNDS = 2
LIMITS = {100: (150_000, 12), 10: (150_000, 12), 1: (60_000, 60)}
"""{one line in so many is licensed: (lines a second of one core, times the plain loop)}"""
FEWER = 5  # times fewer lines are read where each is licensed
MEMORY_MAX = 200 << 20
NOW = datetime(2026, 11, 26, tzinfo=UTC)
ORIGIN = "https://pub.example"
NAMED = "agents.json"
TERM = {"licence": "HUB-000001", "use": "TRAIN", "from": "2026-01-01", "to": "2026-12-31"}
SETTINGS = Settings(
    node="https://node-xx.example",
    member="M-17",
    node_keys=({},),
    hub_keys=({},),
    client=SiteClient(id="site-1", secret="none"),  # noqa: S106 - nobody is asked
    origins=(ORIGIN,),
)
PEOPLE = [
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{version}.0.{build}.0 Safari/537.36"
    for system in (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "Linux; Android 14; Pixel 8",
    )
    for version in range(118, 132)
    for build in range(6000, 6400, 20)
]
CRAWLERS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
]


def crawlers(path: Path | None) -> list[str]:
    """Return user agents of crawlers: of a file, of the package, or the few above."""
    if path is not None:
        said = json.loads(path.read_text())
        if isinstance(said, dict):  # ai.robots.txt: {name: facts}
            return [f"Mozilla/5.0 (compatible; {name})" for name in said]
        return [one for entry in said for one in entry["instances"]]
    try:
        import crawleruseragents  # noqa: PLC0415 - not among the pinned packages
    except ImportError:
        return CRAWLERS
    return [
        one for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for one in entry["instances"]
    ]


def shown(number: int, at: datetime) -> str:
    """Return the middle part of a licence token."""
    issued = int(at.timestamp())
    claims = {
        "iss": "https://node-xx.example",
        "sub": "lab-one",
        "client_id": "lab-one",
        "aud": [ORIGIN],
        "license_id": "HUB-000001",
        "uses": ["TRAIN"],
        "iat": issued,
        "exp": issued + 900,
        "jti": f"token-{number:06d}",
    }
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def write_log(
    path: Path, lines: int, licensed: int, agents: list[str], *, has_ids: bool = True
) -> int:
    """Write a log, combined or of the kit's format; return how many lines are to count."""
    chance, counted = random.Random(7), 0  # noqa: S311 - the same log each time
    begun = NOW - timedelta(days=2)
    token, every = "", 900
    with path.open("w", buffering=1 << 20) as file:
        for number in range(lines):
            at = begun + timedelta(seconds=number // 100)
            if number % (100 * every) == 0:
                token = shown(number, at)
            stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
            page = f"/articles/{chance.randrange(100_000)}/a-title-of-some-{number % 97}.html"
            size = chance.randrange(2_000, 90_000)
            end = f'"pub.example" "-" "-" "{number:032x}"'
            if number % licensed == 0:
                agent = CRAWLERS[2]
                end = f'"pub.example" "{token}" "-" "{number:032x}"'
                counted += 1
            elif number % 5 == 0:
                agent = chance.choice(agents).replace("\\", "\\x5C").replace('"', "\\x22")
            else:
                agent = chance.choice(PEOPLE)
            address = f"203.0.{number % 113}.{number % 251}"
            file.write(
                f'{address} - - [{stamp}] "GET {page} HTTP/1.1" 200 {size} '
                f'"https://search.example/?q={number % 1009}" "{agent}"'
            )
            file.write(f" {end}\n" if has_ids else "\n")
    return counted


def plain(path: Path) -> None:
    """Go through the lines and split each at its quotes: the least that a reader does."""
    found = 0
    with path.open("rb") as file:
        for line in file:
            found += len(line.split(b'"'))


def of_process(words: list[str]) -> tuple[float, int, str]:
    """Run a command of this file; return its CPU seconds, peak bytes and what it said."""
    done = subprocess.run(  # noqa: S603 - this very file
        [sys.executable, __file__, *words], capture_output=True, text=True, check=True
    )
    cpu, peak, *said = done.stdout.splitlines()
    return float(cpu), int(peak), "\n".join(said)


def child(words: list[str]) -> None:
    said = ""
    if words[0] == "plain":
        begun = time.process_time()
        plain(Path(words[1]))
    else:
        from federation.accesslogs.command import main  # noqa: PLC0415 - not the plain loop's

        begun = time.process_time()
        said = imported(main, Path(words[1]), Path(words[2]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(time.process_time() - begun, peak, said, sep="\n")


def imported(command: Callable[..., int], log: Path, home: Path) -> str:
    """Read a log as the command does, without a node; return what it came to."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        words = ["--config", str(home / FILE_NAME), "--no-send", str(log)]
        if (home / NAMED).exists():
            words += ["--agents", str(home / NAMED)]
        code = command(words, clock=lambda: NOW)
    assert code == 0
    return out.getvalue()


def measure(lines: int, licensed: int, agents: list[str], *, has_ids: bool) -> bool:
    rates: list[float] = []
    ratios: list[float] = []
    peaks: list[int] = []
    answers: set[str] = set()
    evidence = "TOKEN_LOGGED" if has_ids else "AGENT_LOGGED"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "access.log"
        counted = write_log(log, lines, licensed, agents, has_ids=has_ids)
        size = log.stat().st_size
        for number in range(ROUNDS):
            base, _, _ = of_process(["plain", str(log)])
            home = Path(folder) / str(number)
            home.mkdir()
            with new_settings(home / FILE_NAME) as write:
                write(SETTINGS)
            if not has_ids:
                said = {"as_of": "2026-11-26", "agents": [{"agent": "GPTBot"} | TERM]}
                (home / NAMED).write_text(json.dumps(said))
            cpu, peak, said_of_it = of_process(["import", str(log), str(home)])
            assert f"{counted:,} {evidence}" in said_of_it, said_of_it
            assert f"{lines} new lines" in said_of_it, said_of_it
            answers.add(said_of_it)
            rates.append(lines / cpu)
            ratios.append(cpu / base)
            peaks.append(peak)
    assert len(answers) == 1
    rate, ratio, peak = max(rates), min(ratios), max(peaks)
    print(
        f"{lines:,} lines, {size / 2**30:.2f} GiB, 1 in {licensed} licensed: {rate:,.0f} lines/s, "
        f"{ratio:.1f} times the plain loop, {peak / 2**20:.0f} MiB; {counted:,} counted, "
        f"{ROUNDS} times the same",
        flush=True,
    )
    rate_min, ratio_max = LIMITS[licensed]
    return rate >= rate_min and ratio <= ratio_max and peak <= MEMORY_MAX


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_500_000)
    parser.add_argument("--without-ids", action="store_true", help="combined, with agents named")
    parser.add_argument("--user-agents", type=Path)
    asked = parser.parse_args()
    agents = crawlers(asked.user_agents)
    if asked.without_ids:
        agents = [agent for agent in agents if "GPTBot" not in agent]
    good = [
        measure(
            asked.lines if licensed > 1 else asked.lines // FEWER,
            licensed,
            agents,
            has_ids=not asked.without_ids,
        )
        for licensed in LIMITS
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    if sys.argv[1:2] in (["plain"], ["import"]):
        child(sys.argv[1:])
    else:
        sys.exit(main())
