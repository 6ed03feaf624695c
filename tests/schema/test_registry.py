"""Works, rightholders and their changes as the schema shows them, by who asks."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from federation.counters import Counters
from federation.history.kinds import Saying, Statement
from federation.quotas import Quotas
from federation.rightholders import store as rightholders
from federation.rightholders.rightholder import Rightholder
from federation.schema import histories
from federation.schema.context import Context
from federation.schema.node import schema
from federation.trust.principals import Principal
from federation.values.cursors import cursor_of
from federation.values.roles import PEER, Role
from federation.works import store as works
from federation.works.work import ContentType, Creator, Work
from tests.databases import HUB_TERMS

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STRANGERS, INSIDERS = [Role.LAB, Role.SITE, Role.MEMBER], [PEER, Role.REGISTRY_OFFICER]
FOXES = Work(
    "On Foxes",
    content_type=ContentType.BOOK,
    creators=(
        Creator("Eric Blair", pseudonym="George Orwell", rightholder="R-1"),
        Creator("Ann Weir", rightholder="R-2"),
    ),
    identifiers=("ISBN:9783161484100",),
    addresses=("pub.example/foxes",),
    rightholder="R-1",
)
PEOPLE = {
    "R-1": Rightholder("Eric Blair", other_names=("George Orwell",), member="M-1"),
    "R-2": Rightholder("Ann Weir"),
}
SHOWN = "id creators { name pseudonym rightholder } rightholder"
WORKS = f"works(first: 9) {{ edges {{ node {{ {SHOWN} }} }} }}"
CHANGES = """works(first: 9) { edges { node { id changes(first: 1) {
  edges { node { act reason recordedBy } } pageInfo { hasNextPage } } } } }"""
PEN_NAME = {"name": "George Orwell", "pseudonym": "George Orwell", "rightholder": None}
REAL_NAME = {"name": "Eric Blair", "pseudonym": "George Orwell", "rightholder": "GB:R-1"}
ANN = {"name": "Ann Weir", "pseudonym": None, "rightholder": "GB:R-2"}


async def said(database, store, act, things, *, at=NOW, now=NOW):
    async with database.write("test") as session:
        statements = [Statement(name, act, at, None, body) for name, body in things.items()]
        await store.record(session, statements, Saying("anna", "as it is", now))


@pytest.fixture
async def node(database):
    await said(database, rightholders, "REGISTERED", PEOPLE)
    await said(database, works, "REGISTERED", {"W-1": FOXES, "W-2": Work("Rain")})

    async def terms(session):
        del session
        return HUB_TERMS

    server = SimpleNamespace(
        db=database, code="GB", clock=lambda: NOW + DAY, quotas=Quotas(), counters=Counters()
    )
    server.terms = terms
    return server


async def ask(node, role, document, operation="query"):
    """Return what is answered and the codes of what is refused."""
    who = Principal("asker", frozenset({role}), party="M-1")
    context = Context(server=node, principal=who, asker="asker")
    result = await schema.execute(f"{operation} {{ {document} }}", context_value=context)
    return result.data, [error.extensions["code"] for error in result.errors or ()]


async def act(node, document):
    """Do something as an officer; return the id that comes of it, or the code of the refusal."""
    name, _, rest = document.partition("(")
    kinds = "... on Refused { code }"
    if name.startswith("end"):
        kinds += " ... on Ended { id }"
    elif name.startswith("propose"):
        kinds += " ... on RegistryDone { act }"
    else:
        kinds += f" ... on {'Rightholder' if 'Rightholder' in name else 'Work'} {{ id }}"
    asked = f'{name}({rest}, reason: "a letter") {{ {kinds} }}'
    data, refused = await ask(node, Role.REGISTRY_OFFICER, asked, "mutation")
    assert refused == []
    [answer] = data[name].values()
    return answer


def nodes(page):
    return [edge["node"] for edge in page["edges"]]


async def test_a_name_behind_a_pseudonym_is_for_partners_and_staff(node):
    for role in (*STRANGERS, *INSIDERS):
        data, refused = await ask(node, role, WORKS)
        first, _ = nodes(data["works"])
        whole = role in INSIDERS
        assert refused == []
        assert first["creators"] == [REAL_NAME if whole else PEN_NAME, ANN], role
        assert first["rightholder"] == ("GB:R-1" if whole else None), role
        for by in ('id: "W-1"', 'id: "GB:W-1"', 'identifier: "ISBN:978-3-16-148410-0"'):
            data, _ = await ask(node, role, f"work({by}) {{ {SHOWN} }}")
            assert data["work"] == first, (role, by)
        at = 'worksAt(url: "https://pub.example/foxes", first: 1)'
        data, _ = await ask(node, role, f"{at} {{ edges {{ node {{ {SHOWN} }} }} }}")
        assert nodes(data["worksAt"]) == [first], role
        data, _ = await ask(node, role, WORKS.replace("first: 9", 'first: 9, text: "eric blair"'))
        assert data["works"]["edges"] == [], role  # nobody finds out by searching
        data, _ = await ask(node, role, WORKS.replace("first: 9", 'first: 9, text: "ORWELL"'))
        assert nodes(data["works"]) == [first], role


async def test_rightholders_are_for_partners_and_staff_and_which_member_one_is_for_staff(node):
    shown = "id name otherNames member"
    everybody = f"rightholders(first: 9) {{ edges {{ node {{ {shown} }} }} }}"
    one = f'rightholder(id: "GB:R-1") {{ {shown} }}'
    for role in STRANGERS:
        assert await ask(node, role, everybody) == (None, ["NOT_ALLOWED"])
        assert await ask(node, role, one) == ({"rightholder": None}, ["NOT_ALLOWED"])
    for role, member in {PEER: None, Role.REGISTRY_OFFICER: "M-1"}.items():
        data, refused = await ask(node, role, everybody)
        eric = {"id": "GB:R-1", "name": "Eric Blair", "otherNames": ["George Orwell"]}
        eric["member"] = member
        assert refused == []
        assert nodes(data["rightholders"])[1] == eric
        assert await ask(node, role, one) == ({"rightholder": eric}, [])


async def test_what_was_known_once_and_who_said_it_are_for_partners_and_staff(node, database):
    wrong = {"W-2": Work("Rain by Ann Weir, a thief")}
    await said(database, works, "CHANGED", wrong, now=NOW + DAY / 4)
    await said(database, works, "CHANGED", {"W-2": Work("Rain")}, now=NOW + DAY / 2)
    known = f'knownAt: "{(NOW + DAY / 4).isoformat()}"'
    questions = [
        f"works(first: 9, {known}) {{ edges {{ node {{ title }} }} }}",
        f'work(id: "W-2", {known}) {{ title }}',
        f'worksAt(url: "https://pub.example/", first: 1, {known}) {{ edges {{ node {{ id }} }} }}',
        CHANGES,
        "registryChanges(first: 9) { edges { node { act } } }",
    ]
    for role in STRANGERS:
        for question in questions:
            _, refused = await ask(node, role, question)
            assert set(refused) == {"NOT_ALLOWED"}, (role, question)
        data, _ = await ask(node, role, "works(first: 9) { edges { node { title } } }")
        assert nodes(data["works"]) == [{"title": "On Foxes"}, {"title": "Rain"}]
    for role in INSIDERS:
        for question in questions:
            _, refused = await ask(node, role, question)
            assert refused == [], (role, question)
        data, _ = await ask(node, role, questions[1])
        assert data == {"work": {"title": "Rain by Ann Weir, a thief"}}


async def test_changes_of_a_page_of_works_come_by_one_query(node, database, monkeypatch):
    await said(database, works, "CHANGED", {"W-2": Work("Rain")}, now=NOW + DAY / 4)
    asked, plainly = [], histories.feed_store.changes_of

    async def changes_of(session, kind, things, **which):
        asked.append(things)
        return await plainly(session, kind, things, **which)

    monkeypatch.setattr(histories.feed_store, "changes_of", changes_of)
    for role, by, why in ((PEER, None, None), (Role.REGISTRY_OFFICER, "anna", "as it is")):
        data, refused = await ask(node, role, CHANGES)
        assert refused == []
        change = {"node": {"act": "REGISTERED", "reason": why, "recordedBy": by}}
        assert [(one["id"], one["changes"]) for one in nodes(data["works"])] == [
            ("GB:W-1", {"edges": [change], "pageInfo": {"hasNextPage": False}}),
            ("GB:W-2", {"edges": [change], "pageInfo": {"hasNextPage": True}}),
        ]
    assert asked == [["W-1", "W-2"], ["W-1", "W-2"]]

    monkeypatch.setattr(histories, "CHANGES_MAX", 1)
    _, refused = await ask(node, PEER, CHANGES)
    assert set(refused) == {"TOO_MUCH_TO_SEARCH"}


async def test_the_feed_is_read_page_by_page_and_by_kinds(node):
    page = "edges { node { number thing reason } } pageInfo { hasNextPage endCursor }"

    async def feed(role, first, more=""):
        data, refused = await ask(node, role, f"registryChanges(first: {first}{more}) {{ {page} }}")
        assert refused == []
        found = data["registryChanges"]
        things = [(one["number"], one["thing"]) for one in nodes(found)]
        return things, found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"]

    everything = [("1", "GB:R-1"), ("2", "GB:R-2"), ("3", "GB:W-1"), ("4", "GB:W-2")]
    for role in INSIDERS:
        first, more, cursor = await feed(role, 3)
        assert (first, more) == (everything[:3], True)
        assert (await feed(role, 3, f', after: "{cursor}"'))[:2] == (everything[3:], False)
        assert (await feed(role, 4))[:2] == (everything, False)
        assert (await feed(role, 4, ", kinds: [WORK]"))[:2] == (everything[2:], False)


async def test_so_many_changes_are_looked_at_for_a_page_of_some_kinds(node, monkeypatch):
    """However few of a kind there are among all, and the list goes on from there."""

    async def pages(kinds, first):
        found, after = [], ""
        while after is not None:
            asked = f'registryChanges(first: {first}, kinds: [{kinds}], after: "{after}")'
            page = "{ edges { node { number } } pageInfo { hasNextPage endCursor } }"
            data, refused = await ask(node, PEER, f"{asked} {page}")
            assert refused == []
            found.append([one["number"] for one in nodes(data["registryChanges"])])
            info = data["registryChanges"]["pageInfo"]
            after = info["endCursor"] if info["hasNextPage"] else None
        return found

    assert await pages("WORK", 9) == [["3", "4"]]
    monkeypatch.setattr(histories.feed_store, "LOOKED_AT_MAX", 2)
    assert await pages("WORK", 9) == [[], ["3", "4"]]
    assert await pages("RIGHTHOLDER", 1) == [["1"], ["2"], []]
    assert await pages("RIGHTHOLDER, WORK", 2) == [["1", "2"], ["3", "4"]]
    assert await pages("CLAIM", 1) == [[], []]


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("first: 0", "BAD_PAGE"),
        ("first: 101", "BAD_PAGE"),
        (f'first: 1, after: "{cursor_of("works", (3,))}"', "BAD_CURSOR"),
        (f'first: 1, after: "{cursor_of("registryChanges", (10**30,))}"', "BAD_CURSOR"),
        ('first: 1, after: "!"', "BAD_CURSOR"),
    ],
)
async def test_a_page_that_is_none_is_refused(node, question, code):
    asked = f"registryChanges({question}) {{ edges {{ cursor }} }}"
    assert await ask(node, PEER, asked) == (None, [code])


WORK = 'work: {title: "Salt", rightholder: "GB:R-9", canonical: null}'
NAMED = 'rightholder: {name: "Ann Weir"}'
ON_THINGS = [
    (f'registerRightholder(id: "GB:R-9", {NAMED}', "GB:R-9"),
    (f'changeRightholder(id: "GB:R-9", {NAMED}', "GB:R-9"),
    (f'registerWork(id: "GB:W-17", {WORK}', "GB:W-17"),
    (f'registerWork(id: "W-17", {WORK}', "REGISTERED_ALREADY"),
    (f'changeWork(id: "GB:W-17", {WORK}', "GB:W-17"),
    (f'proposeWorkChange(id: "GB:W-17", {WORK}', "CHANGE_WORK"),
    (f'proposeRightholderChange(id: "GB:R-9", {NAMED}', "CHANGE_RIGHTHOLDER"),
    ('mergeWorks(id: "GB:W-17", into: "GB:W-2"', "GB:W-2"),
    ('demergeWork(id: "GB:W-17"', "GB:W-17"),
    ('mergeRightholders(id: "GB:R-9", into: "GB:R-2"', "GB:R-2"),
    ('demergeRightholder(id: "GB:R-9"', "GB:R-9"),
    ('endWork(id: "GB:W-17", startsAt: "2026-09-03T00:00:00Z"', "GB:W-17"),
    ('endRightholder(id: "GB:R-9", startsAt: "2026-09-03T00:00:00Z"', "GB:R-9"),
    (f'registerWork(id: "FR:W-17", {WORK}', "BAD_WORK"),
    (f'registerWork(id: "GB:GB:W-17", {WORK}', "BAD_WORK"),
    (f'registerRightholder(id: "FR:R-9", {NAMED}', "BAD_RIGHTHOLDER"),
    (f'changeWork(id: "FR:W-17", {WORK}', "NOT_REGISTERED_THEN"),
    ('mergeWorks(id: "W-1", into: "FR:W-2"', "NOT_REGISTERED_THEN"),
    ('endWork(id: "gb:W-1"', "NOT_REGISTERED_THEN"),
]


async def test_what_is_named_with_the_code_of_the_collective_is_what_is_named_without(node):
    for document, came in ON_THINGS:
        assert await act(node, document) == came, document
        shown = [
            (await ask(node, PEER, f'work(id: "{name}") {{ id rightholder }}'))[0]["work"]
            for name in ("W-17", "GB:W-17")
        ]
        assert shown[0] == shown[1]

    kinds = "registryChanges(first: 100, kinds: [WORK, RIGHTHOLDER]) { edges { node { thing } } }"
    data, _ = await ask(node, PEER, kinds)
    told = [one["thing"] for one in nodes(data["registryChanges"])][4:]
    assert set(told) == {"GB:W-17", "GB:R-9"}
    assert len(told) == sum(came[:3] == "GB:" for _, came in ON_THINGS) + 2


LISTS = {
    "works": "",
    "worksAt": ', url: "https://pub.example/foxes"',
    "rightholders": "",
    "members": "",
    "registryChanges": "",
    "registryImports": "",
    "claims": "",
    "optOuts": "",
    "proposals": "",
}
MADE_UP = [
    *((number,) for number in (2**63 - 1, -(2**63), 2**63, 1.5, None, True)),
    *((number, "x") for number in (2**63 - 1, 1 - 2**63, 2**62, 253402300800_000000)),
    *((instant, "x") for instant in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")),
    *(("x", text) for text in ("\ufffd", "x\0", "x" * 2_000)),
    ("x" * 2_000,),
    (),
]


@pytest.mark.parametrize("name", LISTS)
async def test_a_cursor_that_somebody_made_up_is_refused_or_a_place_in_the_list(node, name):
    found = list[list[str]]()
    for key in MADE_UP:
        asked = f'{name}(first: 1{LISTS[name]}, after: "{cursor_of(name, key)}")'
        found.append(
            (await ask(node, Role.REGISTRY_OFFICER, f"{asked} {{ edges {{ cursor }} }}"))[1]
        )

    assert [codes for codes in found if codes not in ([], ["BAD_CURSOR"])] == []
    assert found[-1] == ["BAD_CURSOR"]


async def test_works_at_an_address_come_page_by_page_and_a_merged_one_as_one(node, database):
    names = [f"A-{number}" for number in range(5)]
    there = {name: Work(name, addresses=("pub.example/all",)) for name in names}
    await said(database, works, "REGISTERED", there)
    async with database.write("test") as session:
        merged = Statement("A-1", "MERGED", NOW, None, there["A-1"], merged_into="A-3")
        elsewhere = Statement("A-2", "MERGED", NOW, None, there["A-2"], merged_into="W-1")
        await works.record(session, [merged, elsewhere], Saying("anna", "twice", NOW))
    found, after = [], ""
    while after is not None:
        asked = f'worksAt(url: "http://pub.example/all", first: 2, after: "{after}")'
        data, refused = await ask(
            node,
            Role.LAB,
            f"{asked} {{ edges {{ node {{ id }} }} pageInfo {{ hasNextPage endCursor }} }}",
        )
        assert refused == []
        found.append([one["id"] for one in nodes(data["worksAt"])])
        info = data["worksAt"]["pageInfo"]
        after = info["endCursor"] if info["hasNextPage"] else None
    assert found == [["GB:A-0", "GB:W-1"], ["GB:A-3", "GB:A-4"]]
