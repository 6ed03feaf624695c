"""What a receipt says of accepted lines before the cut-off: it changes no class."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from federation.addresses.urls import normalise_claim, normalise_subject
from federation.claimindex import delta_store
from federation.claimindex.messages import OptOutFact, RegistryDelta
from federation.history.kinds import Saying
from federation.metering import lines as usage_lines
from federation.metering import notices, service
from federation.metering.reporters import Reporter
from federation.metering.service import BatchAnswer, LicencesNamed, Problem
from federation.registry import edit_store, facts
from federation.registry.imports import NewClaim, NewMember, NewOptOut
from tests.databases import HUB_TERMS
from tests.metering.lines import a_line, body
from tests.metering.reports import (
    LICENCES,
    NOON,
    SEPTEMBER,
    a_licence,
)

SINCE = datetime(2026, 9, 1, tzinfo=UTC)
KNOWN = LicencesNamed(
    LICENCES
    | {
        "HUB-000004": a_licence("HUB-000004"),
        "HUB-000005": a_licence("HUB-000005", unclaimed="hold"),
        "HUB-000006": a_licence("HUB-000006", revoked_at=datetime(2026, 9, 10, 12, tzinfo=UTC)),
    },
    {"HUB-000004": frozenset({"FR"})},
)
LINES = [
    a_line("e-1"),
    a_line("e-2", url="https://x.example/private/1"),
    a_line("e-3", url="https://nobody.example/1"),
    a_line("e-4", url="https://nobody.example/1.pdf"),
    a_line("e-5", url="https://nobody.example/1", licence="HUB-000005"),
    a_line("e-6", licence="HUB-000004"),
    a_line("e-7", licence="HUB-000002"),
    a_line("e-8", occurred_at="2026-10-01T00:00:00Z"),
    a_line("e-9", use="SEARCH"),
    a_line("e-10", licence="HUB-000006", occurred_at="2026-09-10T12:00:00.000001Z"),
    a_line("e-11", units=0),
]
OF_TERMS = [
    Problem(7, "other_source", "HUB-000002 counts what the lab reports"),
    Problem(8, "OUTSIDE_TERM", "HUB-000001 holds from 2026-09-01 to 2026-09-30"),
    Problem(9, "OUT_OF_SCOPE", "HUB-000001 does not grant SEARCH"),
    Problem(
        10,
        "OUTSIDE_TERM",
        "HUB-000006 holds from 2026-09-01 to 2026-09-30, revoked at 2026-09-10T12:00:00+00:00",
    ),
]
OF_CLAIMS = [
    Problem(2, "RESERVED", "withheld from TRAIN: OPTED_OUT"),
    Problem(6, "OUT_OF_SCOPE", "HUB-000004 does not cover works of DE"),
]


def a_registry():
    claim = NewClaim("m1", normalise_claim("x.example"), "standard", 1, None, None, None, None)
    withheld = ["x.example/private/", "nobody.example/*.pdf$"]
    return claim, [NewOptOut(None, normalise_subject(s), "TRAIN", SINCE) for s in withheld]


async def keep_registry(session):
    claim, opt_outs = a_registry()
    member = NewMember("m1", "One", "DE", date(2026, 1, 1), None, "IBAN", None)
    saying = Saying("rosa", "a file", NOON)
    await edit_store.add_members(session, [member])
    await edit_store.add_claims(session, "DE", [(claim, None)], saying)
    await edit_store.add_opt_outs(session, [(new, None, None) for new in opt_outs], saying)


async def keep_index(session):
    claim, opt_outs = a_registry()
    name = claim.claim_id("DE")
    claimed = [facts.fact_of_new_claim("DE", name, claim, date(2026, 1, 1))]
    withheld = [
        OptOutFact(None, new.key.host, new.key.path, new.key.wildcard, new.use, new.effective_at)
        for new in opt_outs
    ]
    delta = RegistryDelta(version=1, claims=claimed, opt_outs=withheld)
    await delta_store.apply_delta(session, "DE", delta)


async def ingest(database, here, *lines, key="b-1"):
    async with database.write("ingest") as session:
        return await service.ingest(
            session,
            service.read_batch(body(*lines)),
            Reporter("site", "site:pub", None),
            key,
            here=here,
            terms=HUB_TERMS,
            licences=KNOWN,
            now=NOON,
        )


@pytest.fixture
async def hub(database):
    async with database.write("setup") as session:
        await keep_index(session)
    return database


@pytest.fixture
async def node(database):
    async with database.write("setup") as session:
        await keep_registry(session)
    return database


async def test_the_hub_says_what_it_knows_of_every_claim(hub):
    receipt = await ingest(hub, "HUB", *LINES)

    withheld, outside = OF_CLAIMS
    unclaimed = [
        Problem(3, "NOT_REPRESENTED", "no collective represents this address"),
        Problem(4, "RESERVED", "withheld from TRAIN: OPTED_OUT"),
    ]
    assert receipt.notices == [withheld, *unclaimed, outside, *OF_TERMS]
    assert [(item.line, item.verdict) for item in receipt.problems] == [(11, "MALFORMED")]


async def test_a_node_says_what_it_knows_of_its_own_members_claims(node):
    """Whether another collective claims an address it does not know."""
    receipt = await ingest(node, "DE", *LINES)

    assert receipt.notices == [*OF_CLAIMS, *OF_TERMS]


async def test_a_notice_changes_no_class(hub):
    receipt = await ingest(hub, "HUB", *LINES)

    assert receipt.classes == {
        "ACCEPTED": (6, "30"),
        "other_source": (1, "5"),
        "OUTSIDE_TERM": (2, "10"),
        "OUT_OF_SCOPE": (1, "5"),
        "MALFORMED": (1, "0"),
    }
    async with hub.read() as session:
        waiting = await usage_lines.undecided_lines(session, SEPTEMBER, "HUB")
    assert [line.event_id for line in sorted(waiting, key=lambda line: int(line.event_id[2:]))] == [
        f"e-{number}" for number in range(1, 7)
    ]


async def test_the_same_batch_again_says_the_same_whatever_is_known_by_then(database):
    first = await ingest(database, "HUB", *LINES)
    async with database.write("registry") as session:
        await keep_index(session)

    assert await ingest(database, "HUB", *LINES) == first
    assert [item.verdict for item in first.notices][:2] == ["NOT_REPRESENTED"] * 2


async def test_a_receipt_names_100_lines_and_looks_up_1000_addresses(hub):
    urls = [f"https://nobody.example/{number}" for number in range(1_001)]
    lines = [a_line(f"e-{number}", url=url) for number, url in enumerate(urls)]

    receipt = await ingest(hub, "HUB", *lines)

    assert [item.line for item in receipt.notices] == list(range(1, 101))
    batch = service.read_batch(body(*lines))
    accepted = service.sort_batch(
        batch.lines, service.Desk("site", KNOWN.facts, None, HUB_TERMS.use_weight, SEPTEMBER)
    ).accepted
    assert list(notices.addresses_of(accepted.values())) == urls[:1_000]


def test_a_receipt_of_before_there_were_notices_is_read():
    kept = b'{"batch":"b","lines":0,"classes":{},"problems":[]}'

    assert msgspec.json.decode(kept, type=BatchAnswer) == BatchAnswer("b", 0, {}, [], [])


async def test_a_licence_number_that_can_be_none_is_not_asked_for(database):
    numbers = ["HUB-000001", "x" * 25, "HUB\0", "\ud7ff\u200b"]
    batch = service.read_batch(body(*(a_line(licence=number) for number in numbers)))

    assert batch.licences == {"HUB-000001"}
    async with database.read() as session:
        assert await service.licences_named(session, batch.licences) == LicencesNamed({}, {})
