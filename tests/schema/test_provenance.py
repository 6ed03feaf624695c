"""What is shown of provenance and successions: to whom, a page at a time, as known then."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from federation.counters import Counters
from federation.history.kinds import Saying
from federation.provenance import service as provenance
from federation.provenance.statements import DraftStatement
from federation.quotas import Quotas
from federation.registry.tables import Member
from federation.schema.context import Context
from federation.schema.node import schema
from federation.successions import service as successions
from federation.successions.succession import read_succession
from federation.trust.principals import Principal
from federation.values.papers import Paper
from federation.values.roles import PEER, Role
from federation.works import service as works
from federation.works.work import DraftWork
from tests.successions.drafts import draft

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SAYING = Saying("rosa", "a letter", NOW)
SHOWN = """edges { node { work statement state reason recordedBy withdrawnBecause
  papers { kind sha256 } } } pageInfo { hasNextPage endCursor }"""
CHANGES = "registryChanges(first: 9, kinds: {kinds}) {{ edges {{ node {{ kind thing act }} }} }}"


@pytest.fixture
async def node(database):
    """M-1, whom M-2 succeeds, and three statements about a work, the first withdrawn."""
    async with database.write("test") as session:
        for name in ("M-1", "M-2"):
            session.add(
                Member(
                    member_id=name,
                    name=name,
                    country="GB",
                    joined_on=date(2025, 1, 1),
                    account_scheme="IBAN",
                )
            )
        await session.flush()
        new = read_succession(draft(("M-2", 10_000), subject="member:M-1"))
        await successions.record(session, new, SAYING)
        rules = works.Rules("GB", ["standard"])
        await works.acts_by(rules).register(
            session, "W-1", DraftWork("Salt"), starts_at=NOW - 9 * DAY, saying=SAYING
        )
    for number in (1, 2, 3):
        paper = Paper("report", "x", "ab" * 32)
        said = DraftStatement("PROVENANCE", f"said {number}", "Ling", NOW, "seen", [paper])
        async with database.write("say") as session:
            row = await provenance.record(session, "W-1", said, SAYING)
        if number == 1:
            because = Saying("ruth", "forged", NOW + DAY)
            async with database.write("withdraw") as session:
                await provenance.withdraw(session, row.id, NOW + DAY, because)
    return SimpleNamespace(
        db=database, code="GB", clock=lambda: NOW + 2 * DAY, quotas=Quotas(), counters=Counters()
    )


async def ask(node, role, document, party="M-1"):
    """Return what is answered and the codes of what is refused."""
    who = Principal("asker", frozenset({role}), party=party)
    context = Context(server=node, principal=who, asker="asker")
    result = await schema.execute(f"{{ {document} }}", context_value=context)
    return result.data, [error.extensions["code"] for error in result.errors or ()]


async def said_of_the_work(node, role, arguments="first: 9"):
    data, refused = await ask(
        node, role, f'work(id: "W-1") {{ provenance({arguments}) {{ {SHOWN} }} }}'
    )
    return refused or data["work"]["provenance"]


async def test_everybody_is_shown_what_was_said_and_staff_who_recorded_it(node):
    for role in (Role.LAB, Role.MEMBER, PEER, Role.REGISTRY_OFFICER):
        is_staff = role == Role.REGISTRY_OFFICER
        page = await said_of_the_work(node, role)
        first, second, _ = [edge["node"] for edge in page["edges"]]
        assert first == {
            "work": "GB:W-1",
            "statement": "said 1",
            "state": "WITHDRAWN",
            "reason": "a letter" if is_staff else None,
            "recordedBy": "rosa" if is_staff else None,
            "withdrawnBecause": "forged",
            "papers": [{"kind": "report", "sha256": "ab" * 32}],
        }, role
        assert (second["state"], second["withdrawnBecause"]) == ("STANDS", None)


async def test_statements_come_in_pages(node):
    first = await said_of_the_work(node, Role.LAB, "first: 2")
    cursor = first["pageInfo"]["endCursor"]
    second = await said_of_the_work(node, Role.LAB, f'first: 2, after: "{cursor}"')

    pages = [[edge["node"]["statement"] for edge in page["edges"]] for page in (first, second)]
    assert pages == [["said 1", "said 2"], ["said 3"]]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second)] == [True, False]
    assert await said_of_the_work(node, Role.LAB, 'first: 2, after: "x"') == ["BAD_CURSOR"]
    assert await said_of_the_work(node, Role.LAB, "first: 101") == ["BAD_PAGE"]


async def test_what_was_known_once_is_for_partners_and_staff(node):
    then = f'first: 9, knownAt: "{NOW.isoformat()}"'

    assert await said_of_the_work(node, Role.LAB, then) == ["NOT_ALLOWED"]
    page = await said_of_the_work(node, PEER, then)
    assert {edge["node"]["state"] for edge in page["edges"]} == {"STANDS"}


async def test_the_feed_tells_partners_of_provenance_and_staff_of_successions_too(node):
    asked = CHANGES.format(kinds="[SUCCESSION, PROVENANCE]")
    told = {}
    for role in (PEER, Role.REGISTRY_OFFICER):
        data, refused = await ask(node, role, asked)
        assert refused == []
        told[role] = [
            (edge["node"]["kind"], edge["node"]["thing"], edge["node"]["act"])
            for edge in data["registryChanges"]["edges"]
        ]

    statements = [
        ("PROVENANCE", "GB:1", "REGISTERED"),
        ("PROVENANCE", "GB:1", "WITHDRAWN"),
        ("PROVENANCE", "GB:2", "REGISTERED"),
        ("PROVENANCE", "GB:3", "REGISTERED"),
    ]
    assert told[PEER] == statements
    assert told[Role.REGISTRY_OFFICER] == [("SUCCESSION", "GB:1", "REGISTERED"), *statements]


async def test_a_member_is_shown_the_successions_in_which_it_stands(node):
    document = "successions(first: 9) { edges { node { subject recordedBy } } }"
    found = {}
    for party in ("M-1", "M-2", "M-3"):
        data, _ = await ask(node, Role.MEMBER, document, party)
        found[party] = [edge["node"] for edge in data["successions"]["edges"]]
    shown = [{"subject": "member:M-1", "recordedBy": None}]
    assert found == {"M-1": shown, "M-2": shown, "M-3": []}
    data, _ = await ask(node, Role.REGISTRY_OFFICER, document)
    assert [edge["node"]["recordedBy"] for edge in data["successions"]["edges"]] == ["rosa"]
    assert (await ask(node, Role.LAB, document))[1] == ["NOT_ALLOWED"]
