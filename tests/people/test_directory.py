"""The directory on both databases: two people change it, and what is refused writes nothing."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from federation.config import StaffMember
from federation.people import bootstrap, directory, store
from federation.people.bootstrap import DirectoryNotEmptyError
from federation.people.directory import (
    BadPersonError,
    NoProposalError,
    PersonWaitsError,
    TooFewKeepersError,
    Wanted,
)
from federation.trust.principals import Principal, SamePersonError
from federation.values.choice import UnknownChoiceError
from federation.values.identity import UnclearIdentityError
from federation.values.reason import ReasonError
from federation.values.roles import Role
from tests.databases import refused
from tests.tampering import found_after

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
OPERATOR, OFFICER = "federation_operator", "settlement_officer"
LISTED = [
    StaffMember("ann", [Role.FEDERATION_OPERATOR]),
    StaffMember("ben", [Role.FEDERATION_OPERATOR, Role.AUDITOR]),
    StaffMember("buyer@lab-one", [Role.LAB], "lab-one"),
]


def operator(subject):
    return Principal(subject, frozenset({OPERATOR}))


ANN, BEN = operator("ann"), operator("ben")


@pytest.fixture
async def hub(database):
    """A hub whose configuration lists two operators and a lab's buyer."""
    async with database.write("test") as session:
        await bootstrap.take_in_listed(session, LISTED, NOON)
    return database


def wanted(subject="cara", name="Cara", roles=(OFFICER,), party=None):
    return Wanted(subject, name, tuple(roles), party)


def proposing(person, *, who=ANN, reason="she begins"):
    return lambda session: directory.propose(session, person, reason, who=who, at=NOON)


def confirming(number, *, who=BEN, at=LATER):
    return lambda session: directory.confirm(session, number, "HUB", who=who, at=at)


def withdrawing(number, *, who=BEN, reason="a mistake"):
    return lambda session: directory.withdraw(session, number, reason, who=who, at=LATER)


async def done(database, act):
    async with database.write("test") as session:
        return await act(session)


async def changed(database, person, **options):
    """Ann proposes, Ben confirms."""
    row = await done(database, proposing(person))
    return await done(database, confirming(row.id, **options))


async def in_force(database):
    async with database.read() as session:
        rows = await store.people_in_force(session)
    return {row.subject: directory.roles_of(row) for row in rows}


async def logged(database):
    async with database.read() as session:
        rows = await store.acts(session, before=None, subject=None, act=None, limit=100)
    return [(row.actor, row.act, row.subject) for row in reversed(rows)]


AT_FIRST = {"ann": [OPERATOR], "ben": ["auditor", OPERATOR], "buyer@lab-one": ["lab"]}


async def test_an_empty_directory_takes_in_whom_the_configuration_lists_once(hub):
    again = await done(hub, lambda s: bootstrap.take_in_listed(s, LISTED, LATER))

    assert again == []
    assert await in_force(hub) == AT_FIRST
    assert await logged(hub) == [
        ("bootstrap", "person.take_in", person.subject) for person in LISTED
    ]
    async with hub.read() as session:
        buyer = await store.person_in_force(session, "buyer@lab-one")
    assert (buyer.name, buyer.party, buyer.version) == ("buyer@lab-one", "lab-one", 1)
    assert (buyer.proposed_by, buyer.confirmed_by, buyer.valid_from) == ("bootstrap", None, NOON)


async def test_whom_the_configuration_lists_otherwise_is_named(hub):
    await changed(hub, wanted("buyer@lab-one", "Buyer", []))
    listed = [
        *LISTED,
        StaffMember("dan", [Role.AUDITOR]),
        StaffMember("ann ", [Role.FEDERATION_OPERATOR]),
    ]

    async with hub.read() as session:
        assert await bootstrap.ignored(session, listed) == ["buyer@lab-one", "dan", "ann "]


async def test_a_person_joins_changes_and_leaves(hub):
    first = await changed(hub, wanted(), at=LATER)
    second = await changed(hub, wanted(roles=["auditor", OFFICER]), at=LATER + timedelta(days=1))
    gone = await changed(hub, wanted(roles=[]), at=LATER + timedelta(days=2))

    async with hub.read() as session:
        rows = await store.versions(session, after=0, subject="cara", state=None, limit=10)
    assert [(row.version, row.state, directory.roles_of(row)) for row in rows] == [
        (1, "ENDED", [OFFICER]),
        (2, "ENDED", ["auditor", OFFICER]),
        (3, "IN_FORCE", []),
    ]
    assert [(row.valid_from, row.valid_to) for row in rows] == [
        (first.valid_from, second.valid_from),
        (second.valid_from, gone.valid_from),
        (gone.valid_from, None),
    ]
    assert (rows[0].proposed_by, rows[0].confirmed_by, rows[0].reason) == (
        "ann",
        "ben",
        "she begins",
    )
    assert (await logged(hub))[3:] == 3 * [
        ("ann", "person.propose", "cara"),
        ("ben", "person.confirm", "cara"),
    ]
    assert await found_after(hub, "HUB") == {}


async def test_who_left_can_come_again(hub):
    await changed(hub, wanted())
    await changed(hub, wanted(roles=[]))

    row = await changed(hub, wanted(roles=["auditor"]))

    assert (row.version, (await in_force(hub))["cara"]) == (3, ["auditor"])


@pytest.mark.parametrize(
    ("person", "kind"),
    [
        (wanted(subject=""), BadPersonError),
        (wanted(subject="x" * 201), BadPersonError),
        (wanted(name=""), BadPersonError),
        (wanted(name="x" * 201), BadPersonError),
        (wanted(party="x" * 201), BadPersonError),
        (wanted(party=""), BadPersonError),
        (wanted(roles=["boss"]), UnknownChoiceError),
        (wanted(roles=["peer"]), UnknownChoiceError),
        (wanted(roles=[OFFICER, OFFICER]), BadPersonError),
        (wanted(roles=["lab"]), BadPersonError),
        (wanted(roles=["member"]), BadPersonError),
        (wanted(roles=[]), BadPersonError),
        (wanted("ann", "ann", [OPERATOR]), BadPersonError),
        (wanted(subject="cara "), UnclearIdentityError),
        (wanted(subject="ca\u200bra"), UnclearIdentityError),
        (wanted(subject="c\u0430ra"), UnclearIdentityError),
        (wanted(name="C\u0430ra"), UnclearIdentityError),
        (wanted(subject="Ann"), UnclearIdentityError),
        (wanted(subject="\u0430nn"), UnclearIdentityError),
        (wanted(subject="BUYER@lab-one"), UnclearIdentityError),
        (wanted(subject="bootstrap"), UnclearIdentityError),
        (wanted(subject="Bootstrap"), UnclearIdentityError),
    ],
)
async def test_what_no_person_can_be_is_not_proposed(hub, person, kind):
    await refused(hub, kind, proposing(person))


async def test_a_proposal_states_its_reason(hub):
    await refused(hub, ReasonError, proposing(wanted(), reason=" "))


async def test_nobody_takes_the_name_of_who_left_or_waits(hub):
    await changed(hub, wanted("cara"))
    await changed(hub, wanted("cara", roles=[]))
    waits = await done(hub, proposing(wanted("dora", "Dora")))

    gone = await refused(hub, UnclearIdentityError, proposing(wanted("CARA")))
    await refused(hub, UnclearIdentityError, proposing(wanted("Dora")))
    await done(hub, withdrawing(waits.id))
    row = await done(hub, proposing(wanted("Dora")))

    assert gone.detail == "'CARA' could be taken for 'cara'"
    assert row.version == 1


async def test_one_proposal_of_a_person_waits_at_a_time(hub):
    row = await done(hub, proposing(wanted()))

    refusal = await refused(hub, PersonWaitsError, proposing(wanted(roles=["auditor"]), who=BEN))
    await done(hub, withdrawing(row.id))
    again = await done(hub, proposing(wanted(roles=["auditor"]), who=BEN))

    assert refusal.detail == f"{row.id}, proposed by ann"
    assert again.version == 2


@pytest.mark.parametrize("who", ["ann", "Ann", "\u0430nn", "ann\u200b", " ann"])
async def test_nobody_confirms_what_they_proposed_however_they_are_written(hub, who):
    row = await done(hub, proposing(wanted()))

    await refused(hub, SamePersonError, confirming(row.id, who=operator(who)))


async def test_nobody_confirms_what_concerns_himself(hub):
    row = await done(hub, proposing(wanted("ben", "ben", [OPERATOR, OFFICER])))

    await refused(hub, SamePersonError, confirming(row.id, who=BEN))
    await refused(hub, SamePersonError, confirming(row.id, who=operator("BEN")))
    assert await in_force(hub) == AT_FIRST


async def test_the_database_itself_wants_two_people(hub):
    row = await done(hub, proposing(wanted()))
    for change in ("valid_from = 1", "confirmed_by = 'ann', valid_from = 1"):
        await refused(
            hub,
            DBAPIError,
            lambda session, change=change: session.execute(
                text(f"UPDATE people_person SET {change} WHERE id = {row.id}")
            ),
        )


async def test_what_is_not_there_or_decided_is_not_confirmed_and_not_withdrawn(hub):
    row = await changed(hub, wanted())
    gone = await done(hub, proposing(wanted("dora", "Dora")))
    await done(hub, withdrawing(gone.id, who=ANN))

    for act in (
        confirming(999),
        confirming(row.id, who=operator("carl")),
        confirming(gone.id),
        withdrawing(999),
        withdrawing(row.id),
        withdrawing(gone.id),
    ):
        await refused(hub, NoProposalError, act)
    waits = await done(hub, proposing(wanted("eva", "Eva")))
    await refused(hub, ReasonError, withdrawing(waits.id, reason=""))


async def test_who_confirms_twice_is_answered_the_same_and_nothing_is_written(hub):
    row = await changed(hub, wanted())
    before = await logged(hub)

    again = await done(hub, confirming(row.id, at=LATER + timedelta(days=1)))

    assert (again.valid_from, await logged(hub)) == (LATER, before)


async def test_of_two_who_confirm_at_once_one_does(hub):
    await changed(hub, wanted("carl", "Carl", [OPERATOR]))
    row = await done(hub, proposing(wanted("dora", "Dora")))

    heard = await asyncio.gather(
        done(hub, confirming(row.id, who=BEN)),
        done(hub, confirming(row.id, who=operator("carl"))),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in heard) == ["NoProposalError", "PersonVersion"]
    acts = [act for act in await logged(hub) if act[1:] == ("person.confirm", "dora")]
    assert len(acts) == 1
    assert await found_after(hub, "HUB") == {}


async def test_the_last_two_who_may_change_the_directory_stay(hub):
    leaves = await done(hub, proposing(wanted("ann", "ann", []), who=ANN))

    refusal = await refused(hub, TooFewKeepersError, confirming(leaves.id, who=BEN))
    await done(hub, withdrawing(leaves.id))
    await changed(hub, wanted("carl", "Carl", [OPERATOR]))
    again = await done(hub, proposing(wanted("ann", "ann", []), who=ANN))
    await done(hub, confirming(again.id, who=BEN))

    assert refusal.detail == "without ann: ben"
    assert (await in_force(hub))["ann"] == []


async def first(database, subject, here="HUB"):
    return await done(
        database, lambda s: bootstrap.take_in_first(s, subject, subject.title(), here, NOON)
    )


async def test_two_are_named_on_the_machine_and_no_third(database):
    await first(database, "ann", "GB")
    await refused(
        database,
        BadPersonError,
        lambda s: bootstrap.take_in_first(s, "ann", "Ann", "GB", NOON),
    )
    await refused(
        database,
        UnclearIdentityError,
        lambda s: bootstrap.take_in_first(s, "Ann", "Ann", "GB", NOON),
    )
    await first(database, "ben", "GB")
    await refused(
        database,
        DirectoryNotEmptyError,
        lambda s: bootstrap.take_in_first(s, "carl", "Carl", "GB", NOON),
    )

    assert await in_force(database) == {"ann": ["node_operator"], "ben": ["node_operator"]}
    assert await logged(database) == [
        ("bootstrap", "person.take_in", "ann"),
        ("bootstrap", "person.take_in", "ben"),
    ]


async def test_versions_are_listed_by_state_and_page(hub):
    await changed(hub, wanted())
    await changed(hub, wanted(roles=[]))
    await done(hub, proposing(wanted("dora", "Dora")))
    gone = await done(hub, proposing(wanted("eva", "Eva")))
    await done(hub, withdrawing(gone.id))

    async def listed(**asked):
        asked = {"after": 0, "subject": None, "state": None, "limit": 10} | asked
        async with hub.read() as session:
            rows = await store.versions(session, **asked)
        assert asked["state"] in {None, *(row.state for row in rows)}
        return [(row.id, row.subject) for row in rows]

    everybody = [(1, "ann"), (2, "ben"), (3, "buyer@lab-one"), (4, "cara"), (5, "cara")]
    everybody += [(6, "dora"), (7, "eva")]
    assert await listed() == everybody
    assert await listed(after=2, limit=3) == everybody[2:5]
    assert await listed(state="IN_FORCE") == [*everybody[:3], everybody[4]]
    assert await listed(state="ENDED") == [everybody[3]]
    assert await listed(state="PROPOSED") == [everybody[5]]
    assert await listed(state="WITHDRAWN") == [everybody[6]]
    assert await listed(subject="cara") == everybody[3:5]


BREAKS = {
    "a role": (
        """UPDATE people_person SET roles = '["auditor","lab"]' WHERE subject = 'cara'""",
        {"people_as_recorded": ["cara, version 1: is not what the audit log says"]},
    ),
    "a party": (
        "UPDATE people_person SET party = 'lab-two' WHERE subject = 'buyer@lab-one'",
        {"people_as_recorded": ["buyer@lab-one, version 1: is not what the audit log says"]},
    ),
    "who confirmed": (
        "UPDATE people_person SET confirmed_by = 'carl' WHERE subject = 'cara'",
        {"people_as_recorded": ["cara, version 1: is not what the audit log says"]},
    ),
    "one person in two ways": (
        "UPDATE people_person SET confirmed_by = 'Ann' WHERE subject = 'cara'",
        {
            "people_as_recorded": ["cara, version 1: is not what the audit log says"],
            "decided_by_two": ["people_person: 'ann' and 'Ann' are one person, 1 times"],
        },
    ),
    "an end": (
        "UPDATE people_person SET valid_to = 1 WHERE subject = 'cara'",
        {
            "people_as_recorded": ["cara, version 1: ends at another instant than the next begins"],
        },
    ),
    "somebody gone": (
        "DELETE FROM people_person WHERE subject = 'cara'",
        {"people_as_recorded": ["cara, version 1: is gone"]},
    ),
    "somebody put in": (
        (
            "INSERT INTO people_person (subject, small, capital, version, name, roles, reason, "
            "proposed_by, proposed_at, valid_from) VALUES ('eve', 'eve', 'EVE', 1, 'Eve', "
            """'["auditor"]', 'r', 'bootstrap', 1, 1)"""
        ),
        {"people_as_recorded": ["eve, version 1: is not what the audit log says"]},
    ),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_a_check_names_whoever_was_changed_behind_the_servers_back(hub, name):
    await changed(hub, wanted())
    statement, found = BREAKS[name]

    assert await found_after(hub, "HUB", statement) == found
