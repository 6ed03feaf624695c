"""Who is told of what, held against the questions that GraphQL answers the same people."""

from datetime import UTC, date, datetime

import pytest

from federation.licensing.objects import ComponentTerms, Grant, encode
from federation.licensing.tables import Licence
from federation.proposals import acts
from federation.proposals.claims import DraftClaim
from federation.registry import list_store
from federation.store.happened import what_happened
from federation.values.event import Event, EventType
from federation.values.roles import Role
from federation.webhooks.audience import NUMBERS_MAX, is_own, told, types_for
from tests.licensing.licences import a_licence
from tests.proposals.acting import NOON, submit

TODAY = date(2026, 9, 10)


def test_a_role_is_told_of_its_partys_own_or_of_what_its_office_reads():
    assert {role for role in Role if is_own(role)} == {Role.LAB, Role.MEMBER}
    assert [role for role in Role if role is not Role.AUDITOR and not types_for(role)] == [
        Role.FEDERATION_OPERATOR,
        Role.SITE,
    ]
    assert all(EventType.PING not in types_for(role) for role in Role)


@pytest.fixture
async def opt_outs(node):
    """Opt-outs of two members, by name and by address, in one transaction each; what they say."""
    found = []

    async def follow(session):
        found.extend(what_happened(session))

    node.follow(follow)
    claimed = acts.RegisterClaim("m1", DraftClaim("one.example", "standard"))
    await submit(node, claimed)
    for subject in ("member:m1", "member:m2", "one.example/secret/", "other.example/"):
        await submit(node, acts.RecordOptOut(subject, "TRAIN", NOON))
    return found


async def told_by_role(database, event, role, party=None):
    async with database.read() as session:
        return await told(session, event, role, party, "DE", TODAY)


async def test_a_member_is_told_of_the_opt_outs_that_it_is_shown(node, opt_outs):
    seen = {}
    for member in ("m1", "m2"):
        async with node.read() as session:
            rows = await list_store.list_opt_outs(session, member, None, None, after=0, limit=9)
            shown = [str(row.id) for row in rows]
        data = [await told_by_role(node, event, Role.MEMBER, member) for event in opt_outs]
        seen[member] = [one["opt_outs"] for one in data if one]
        assert [number for [number] in seen[member]] == shown
    assert [len(found) for found in seen.values()] == [2, 1]
    staff = [await told_by_role(node, event, Role.REGISTRY_OFFICER) for event in opt_outs]
    assert len(staff) == 4
    assert None not in staff


async def test_a_member_hears_of_its_own_among_many(node, opt_outs):
    many = tuple(number for event in opt_outs for number in event.numbers)
    event = Event(EventType.OPT_OUT_RECORDED, {}, numbers=many)
    data = await told_by_role(node, event, Role.MEMBER, "m2")
    assert data == {"server": "DE", "opt_outs": [str(many[1])], "more": 0}


async def test_a_member_hears_of_its_own_where_more_of_its_own_lie_between(node, opt_outs):
    await submit(node, acts.RecordOptOut("one.example/other/", "TRAIN", NOON))
    first, last = opt_outs[0].numbers[0], opt_outs[-1].numbers[0]
    event = Event(EventType.OPT_OUT_RECORDED, {}, numbers=(last, first))
    data = await told_by_role(node, event, Role.MEMBER, "m1")
    assert data == {"server": "DE", "opt_outs": [str(last), str(first)], "more": 0}


async def test_a_lab_without_a_licence_there_hears_nothing_of_what_is_withheld(node, opt_outs):
    for event in opt_outs:
        assert await told_by_role(node, event, Role.LAB, "lab-one") is None


async def test_of_many_opt_outs_fifty_are_named():
    event = Event(EventType.OPT_OUT_RECORDED, {}, numbers=tuple(range(1, 121)))
    data = await told(None, event, Role.REGISTRY_OFFICER, None, "DE", TODAY)
    assert (len(data["opt_outs"]), data["more"]) == (NUMBERS_MAX, 70)
    assert datetime(2026, 9, 10, tzinfo=UTC).date() == TODAY


async def test_staff_that_does_not_read_a_kind_is_not_told_of_it():
    event = Event(EventType.STATEMENT_READY, {"period": "2026-09"}, members=frozenset({"m1"}))
    for role in set(Role) - {
        Role.SETTLEMENT_OFFICER,
        Role.SETTLEMENT_APPROVER,
        Role.AUDITOR,
        Role.MEMBER,
    }:
        assert await told(None, event, role, "m1", "DE", TODAY) is None, role
    assert await told(None, event, Role.MEMBER, None, "DE", TODAY) is None


FOUND = {"source": "1", "version": "2"}
BEYOND = [
    (Event(EventType.CONSENT_ENDED, {}, numbers=(7, 8)), {"records": ["7", "8"], "more": 0}),
    (Event(EventType.RESERVATION_FOUND, FOUND), FOUND),
]


async def license_at(node, number, lab, repertoire=()):
    """Let the node know a licence, as it does of one that it granted or has registered."""
    grant = Grant([ComponentTerms(uses=["TRAIN"], fee="1000")], repertoire=[*repertoire])
    licence = a_licence(grant=grant)
    async with node.write("licence") as session:
        session.add(
            Licence(
                number=number,
                version=1,
                licensor=number.partition("-")[0],
                licensee=lab,
                status="ACTIVE",
                starts_on=TODAY,
                ends_on=TODAY,
                body=encode(licence).decode(),
                signed="",
                accepted_at=NOON,
            )
        )


async def test_a_lab_hears_of_what_is_withheld_where_its_licence_counts_whoever_granted_it(node):
    await license_at(node, "HUB-000001", "lab-one")
    await license_at(node, "HUB-000002", "lab-two", ["DE", "FR"])
    await license_at(node, "HUB-000003", "lab-three", ["FR"])
    event = Event(EventType.OPT_OUT_RECORDED, {}, numbers=(1,))

    said = {
        lab: await told_by_role(node, event, Role.LAB, lab)
        for lab in ("lab-one", "lab-two", "lab-three", "lab-four")
    }

    assert said == {
        "lab-one": {"server": "DE"},
        "lab-two": {"server": "DE"},
        "lab-three": None,
        "lab-four": None,
    }


async def test_of_consent_staff_is_told_what_and_a_licensed_lab_that_there_is_something(node):
    here = {"server": "DE"}
    await license_at(node, "DE-000001", "lab-one")
    for event, data in BEYOND:
        assert await told_by_role(node, event, Role.LAB, "lab-one") == here
        assert await told_by_role(node, event, Role.LAB, "lab-two") is None
        assert await told_by_role(node, event, Role.REGISTRY_OFFICER) == here | data
        assert await told_by_role(node, event, Role.MEMBER, "m1") is None
        assert await told_by_role(node, event, Role.SETTLEMENT_OFFICER) is None


async def test_of_remittances_those_are_told_who_read_the_books():
    about = {"remittance": "PAY-2026-09-GB-HUB", "period": "2026-09"}
    event = Event(EventType.REMITTANCE_RECEIVED, about)
    data = {role: await told(None, event, role, "m1", "DE", TODAY) for role in Role}
    readers = {Role.SETTLEMENT_OFFICER, Role.SETTLEMENT_APPROVER, Role.AUDITOR}
    assert {role for role, one in data.items() if one == {"server": "DE", **about}} == readers
    assert {role for role, one in data.items() if one is None} == set(Role) - readers
