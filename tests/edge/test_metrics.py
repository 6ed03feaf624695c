"""What Prometheus is told of a server, and that rules and board ask for nothing else."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from federation.clients.secret import Pepper
from federation.clock import SettableClock
from federation.config import HubConfig, Terms
from federation.counters import OPERATION_LENGTH_MAX, OPERATIONS_MAX, Counters, exposition
from federation.edge.metrics import STREAMS_MAX, gauges
from federation.messaging.peers import PeerClient
from federation.server import Server
from federation.signing.keys import SigningKey
from federation.store.tables import OutboxMessage, ParkedMessage
from federation.trust.own_keys import KeyRing
from tests.databases import a_party

DEPLOY = Path(__file__).parents[2] / "deploy"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


class OneKey:
    """A server that signs everything with one key."""

    def __init__(self, key):
        self.held = KeyRing(key, key, [])

    async def current(self):
        return self.held


@pytest.fixture
def server(database, tmp_path):
    clock, key = SettableClock(NOW), SigningKey.generate()
    config = HubConfig(
        entity_id="https://hub.example",
        data_dir=tmp_path,
        name="Hub",
        clearing_currency="EUR",
        fee_bps=0,
        fee_band_bps=(0, 1),
        terms=Terms({"standard": 1000}, {"TRAIN": 1000}),
    )
    return Server(
        config=config,
        keys=OneKey(key),
        db=database,
        clock=clock,
        peers=PeerClient(config.entity_id, lambda: key, clock),
        pepper=Pepper(tmp_path),
    )


def samples(text):
    lines = [line.rpartition(" ") for line in text.decode().splitlines() if line[:1] != "#"]
    return {name: float(value) for name, _, value in lines}


def outgoing(number, stream, minutes, delivered_at=None):
    return OutboxMessage(
        target="https://gb.example",
        stream=stream,
        sequence=number,
        kind="any",
        body=b"{}",
        created_at=NOW - timedelta(minutes=minutes),
        delivered_at=delivered_at,
    )


def parked(sender, stream, states):
    """Return messages of a stream of its sender, in their states."""
    said = {"sender": f"{sender}-key", "sender_code": sender, "entity_id": "https://any.example"}
    said |= {"stream": stream, "kind": "any", "code": "X", "reason": "", "received_at": NOW}
    return [
        ParkedMessage(**said, sequence=number, state=state)
        for number, state in enumerate(states, start=1)
    ]


async def test_what_waits_is_told_by_target_and_by_kind_of_stream(server):
    async with server.db.write("test") as session:
        session.add(a_party("GB"))
        session.add_all(parked("GB", "licence/GB-1", ["PARKED", "BEHIND", "DONE"]))
        session.add_all(
            [
                outgoing(1, "usage/2026-07", 90, delivered_at=NOW),
                outgoing(2, "usage/2026-07", 60),
                outgoing(1, "usage/2026-08", 5),
                outgoing(1, "registry", 10),
            ]
        )
    counters = server.counters
    counters.verdict("ACCEPTED")
    counters.lines({"ACCEPTED": 3, "DUPLICATE": 1})

    told = samples(exposition(counters, await gauges(server)))

    wanted = {
        'federation_outbox_messages{stream="usage",target="GB"}': 2,
        'federation_outbox_messages{stream="registry",target="GB"}': 1,
        'federation_outbox_oldest_age_seconds{target="GB"}': 3600,
        'federation_parked_messages{sender="GB",stream="licence"}': 2,
        'federation_ready{check="database"}': 1,
        "federation_month_oldest_age_seconds": 0,
        "federation_ledger_entries": 0,
        'federation_token_verdicts_total{verdict="ACCEPTED"}': 1,
        'federation_usage_lines_total{verdict="ACCEPTED"}': 3,
        'federation_usage_lines_total{verdict="DUPLICATE"}': 1,
    }
    assert {name: told.get(name) for name in wanted} == wanted
    assert sum(v for name, v in told.items() if name.startswith("federation_work_items{")) >= 1


async def test_a_sender_names_few_series_however_it_names_its_streams(server):
    async with server.db.write("test") as session:
        session.add_all(parked("GB", "licence/GB-1", ["PARKED", "BEHIND"]))
        session.add_all(parked("DE", "licence/DE-1", ["PARKED"]))
        for number in range(STREAMS_MAX + 5):
            stream = f"{'a' * number}b/1"
            session.add_all(parked("GB", stream, ["PARKED"]))

    told = samples(exposition(server.counters, await gauges(server)))

    of = 'federation_parked_messages{{sender="{}",stream="{}"}}'.format
    assert [told[of("GB", kind)] for kind in ("licence", "(other)")] == [2, 6]
    assert told[of("DE", "licence")] == 1
    assert sum(name.startswith("federation_parked_messages{") for name in told) == STREAMS_MAX + 2


def test_strangers_name_no_series_of_their_own():
    counters = Counters()
    counters.operation("L" * (OPERATION_LENGTH_MAX + 1), is_known=True, has_failed=False)
    for number in range(OPERATIONS_MAX + 5):
        counters.operation(f"Known{number}", is_known=True, has_failed=False)
    counters.operation("Mine", is_known=False, has_failed=True)
    counters.operation("Known1", is_known=False, has_failed=False)
    counters.operation(None, is_known=False, has_failed=False)

    told = samples(exposition(counters, {}))
    of = 'federation_graphql_requests_total{{operation="{}",outcome="{}"}}'.format
    assert (told[of("(other)", "ok")], told[of("(other)", "error")]) == (6, 1)
    assert (told[of("Known1", "ok")], told[of("(unnamed)", "ok")]) == (2, 1)
    assert len(told) == OPERATIONS_MAX + 3


async def test_rules_and_board_name_metrics_that_are_there(server):
    told = exposition(server.counters, await gauges(server)).decode()
    known = set(re.findall(r"^# TYPE (federation_\w+) ", told, re.MULTILINE))

    for file in (DEPLOY / "prometheus" / "rules.yml", DEPLOY / "grafana" / "federation.json"):
        named = set(re.findall(r"\bfederation_[a-z_]+", file.read_text(encoding="utf-8")))
        assert len(named) > 5
        assert named - known == set()
    page = (DEPLOY.parent / "docs" / "operate.md").read_text(encoding="utf-8")
    assert {name for name in known if f"`{name}" not in page} == set()
