"""A publisher with access logs, and lines as web servers write them."""

import base64
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import msgspec

from federation.accesslogs.agents import Agents, NamedAgent
from federation.accesslogs.formats import read_hit
from federation.accesslogs.hits import LoggedLine
from federation.accesslogs.importing import Desk, Sink, read_log
from federation.accesslogs.judging import Judge
from federation.accesslogs.known import KnownLogs
from federation.gate.crawlers import CrawlerRule
from federation.gate.events import Unit
from federation.gate.origins import Origins
from federation.signing.crawl_keys import CrawlKey
from federation.signing.keys import SigningKey
from federation.signing.tokens import Grant, mint_licence_token

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
THEN = datetime(2026, 11, 20, 10, 0, 5, tzinfo=UTC)
ORIGIN = "https://pub.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)"
NAMED = {"agent": "GPTBot", "licence": "HUB-000002", "use": "SEARCH"}
TERM = {"from": "2026-11-01", "to": "2026-11-25"}
LISTED = CrawlerRule()
KEY, CRAWL_KEY = SigningKey.generate(), CrawlKey.generate()


def token(at=THEN, *, uses=("TRAIN",), audience=(ORIGIN,), jti="token-1"):
    """A whole licence token."""
    grant = Grant("https://node-xx.example", "lab-one", list(audience), "HUB-000001", list(uses))
    return mint_licence_token(KEY, grant, now=at, jti=jti)


def part(whole=None, **fields):
    """The middle part of a licence token, as a log keeps it."""
    return (whole or token(**fields)).split(".")[1]


def write_site(path, **changes):
    """Write the file of a site whose node is not there; what is read waits."""
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "node": "http://127.0.0.1:1",
                "member": "M-17",
                "node_keys": [KEY.public_jwk()],
                "hub_keys": [KEY.public_jwk()],
                "client": {"id": "site-1", "secret": "s"},
                "origins": [ORIGIN],
                **changes,
            }
        )
    )


def part_of(claims):
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def combined(
    target="/a",
    *,
    at=THEN,
    zone="+0000",
    method="GET",
    status=200,
    size="512",
    agent=BROWSER,
    address="203.0.113.7",
    kit=None,
):
    """A combined line; with `kit`, (host, token, use, request id) after it."""
    stamp = f"{at:%d/%b/%Y:%H:%M:%S} {zone}"
    line = f'{address} - - [{stamp}] "{method} {target} HTTP/1.1" {status} {size} "-" "{agent}"'
    return (line + "".join(f' "{each}"' for each in kit or ())).encode()


def shown(target="/a", *, host="pub.example", whole=None, use="-", request_id="-", **fields):
    """A line of the kit's format that shows a token."""
    kit = (host, part(whole), use, request_id)
    return combined(target, agent=GPTBOT, kit=kit, **fields)


def a_judge(*, agents=True, unit=Unit.REQUEST, now=NOW, rule=LISTED):
    named = [msgspec.convert({**NAMED, **TERM}, NamedAgent)] if agents else []
    return Judge(
        origins=Origins([ORIGIN, "https://www.pub.example:8443"]),
        agents=Agents(named, rule),
        unit=unit,
        now=now,
        oldest=now - timedelta(days=31 * 13),
    )


class Publisher:
    """Reads logs as the command does; `events` is what reached the spool."""

    def __init__(self, home, judge=None):
        self.home = home
        self.judge = judge or a_judge()
        self.events: list[LoggedLine] = []

    def ids(self):
        return {event.event_id for event in self.events}

    def write(self, name, lines, end=b"\n"):
        path = self.home / name
        path.write_bytes(b"\n".join(lines) + end)
        return path

    def read(self, *paths, sink=None, **fields):
        """Read logs, with what earlier readings left; return what came of the last one."""
        sink = sink or Sink(self.events.extend, lambda: None)
        desk = Desk(self.judge, KnownLogs(self.home), sink, **fields)
        for path in paths:
            read = read_log(str(path), desk)
        return read

    def refused(self):
        files = sorted((self.home / "refused").glob("*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]


def hit_of(line):
    """What a line says, as bytes of a log."""
    return read_hit(line.decode("utf-8", "replace"))


def said(event):
    """What a usage line says, less its id."""
    return SimpleNamespace(**{k: v for k, v in msgspec.structs.asdict(event).items()})
