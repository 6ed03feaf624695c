"""A router asks hub and nodes for their things by key, on behalf of whoever is behind it."""

from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy import Engine, event

from federation.cli.sdl import sdl
from federation.history.kinds import Saying, Statement
from federation.rightholders import store as rightholders
from federation.rightholders.rightholder import Rightholder
from federation.schema.entities import ENTITIES_MAX
from federation.schema.hub_entities import KINDS as OF_THE_HUB
from federation.schema.node_entities import KINDS as OF_A_NODE
from federation.values.party import HUB
from federation.works import store as works
from federation.works.work import Creator, Work
from tests.federation.asked_about import down
from tests.federation.harness import nothing_changes, resumed, tell

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PEN_NAME = Creator("Eric Blair", pseudonym="George Orwell")
ASKED = "query($all: [_Any!]!) { _entities(representations: $all) { __typename %s } }"
WORKS = ASKED % "... on Work { id title creators { name } }"
OF_ALL = (
    ASKED
    % """... on Collective { code } ... on Licence { number licensee }
  ... on Rightholder { id name } ... on Work { id title }"""
)


def named(kind, *keys):
    return [{"__typename": kind, OF_A_NODE[kind].key: key} for key in keys]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shelves(any_backend, opened_past):
    """A federation that is open for business, with works and a rightholder at two nodes."""
    async with resumed(any_backend, opened_past) as small:
        for code in ("DE", "FR"):
            things = {
                "W-1": Work(f"First of {code}", creators=(PEN_NAME,)),
                "W-2": Work(f"Second of {code}"),
            }
            await say(small.databases[code], works, things)
            await say(small.databases[code], rightholders, {"R-1": Rightholder("Eric Blair")})
        yield small


async def say(database, store, things):
    async with database.write("test") as session:
        said = [
            Statement(name, "REGISTERED", LONG_AGO, None, body) for name, body in things.items()
        ]
        await store.record(session, said, Saying("anna", "as it is", LONG_AGO))


async def ask(small, code, person, *asked, document=WORKS):
    """Return what is answered, and {index or `all`: code} of what is refused."""
    answer = await tell(small, code, person, document, all=list(asked))
    refused = {
        error["path"][1] if len(error.get("path", ())) > 1 else "all": error["extensions"]["code"]
        for error in answer.body.get("errors", [])
    }
    data = answer.body.get("data") or {}
    return data.get("_entities"), refused


def work(name, title, *names):
    return {
        "__typename": "Work",
        "id": name,
        "title": title,
        "creators": [{"name": name} for name in names],
    }


async def test_works_come_in_the_order_asked_from_the_nodes_that_their_ids_name(shelves):
    asked = named("Work", "FR:W-2", "DE:W-1", "DE:none", "FR:W-1", "DE:W-1")
    found, refused = await ask(shelves, HUB, shelves.lab("lab-one"), *asked)

    first = work("DE:W-1", "First of DE", "George Orwell")
    assert found == [
        work("FR:W-2", "Second of FR"),
        first,
        None,
        work("FR:W-1", "First of FR", "George Orwell"),
        first,
    ]
    assert refused == {}


async def test_a_node_tells_its_own_works_with_or_without_its_code(shelves):
    asked = named("Work", "DE:W-1", "W-2", "FR:W-1")
    lab = await ask(shelves, "DE", shelves.lab("lab-one", "DE"), *asked)
    staff = await ask(shelves, "DE", shelves.at("DE", "registry"), *asked)

    second = work("DE:W-2", "Second of DE")
    assert lab == ([work("DE:W-1", "First of DE", "George Orwell"), second, None], {})
    assert staff == ([work("DE:W-1", "First of DE", "Eric Blair"), second, None], {})


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_things_of_all_kinds_are_answered_each_in_its_place(shelves, code):
    kinds = OF_THE_HUB if code == HUB else OF_A_NODE
    licence = "HUB-000001" if code == HUB else "DE-000001"
    keys = {"Collective": "DE", "Licence": licence, "Rightholder": "DE:R-1", "Work": "DE:W-2"}
    asked = [one for kind, key in keys.items() for one in named(kind, key)]
    found, refused = await ask(shelves, code, shelves.at(code, "auditor"), *asked, document=OF_ALL)

    assert kinds.keys() == keys.keys() | ({"Member"} if code == "DE" else set())
    assert refused == {}
    assert found == [
        {"__typename": "Collective", "code": "DE"},
        {"__typename": "Licence", "number": licence, "licensee": "lab-one"},
        {"__typename": "Rightholder", "id": "DE:R-1", "name": "Eric Blair"},
        {"__typename": "Work", "id": "DE:W-2", "title": "Second of DE"},
    ]


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_of_licences_a_lab_is_told_its_own_and_nothing_of_others(shelves, code):
    own = "HUB-000001" if code == HUB else "DE-000001"
    asked = named("Licence", own, "HUB-000002", "HUB-999999")
    one, two = shelves.lab("lab-one", code), shelves.lab("lab-two", HUB)

    assert (await ask(shelves, code, one, *asked, document=OF_ALL)) == (
        [{"__typename": "Licence", "number": own, "licensee": "lab-one"}, None, None],
        {},
    )
    if code == HUB:
        found, refused = await ask(shelves, HUB, two, *asked, document=OF_ALL)
        assert [one and one["number"] for one in found] == [None, "HUB-000002", None]
        assert refused == {}


MEMBERS = ASKED % "... on Member { id }"


async def test_of_members_one_is_told_itself_and_staff_are_told_all(shelves):
    asked = named("Member", "de-b", "de-a", "nobody")
    own = await ask(shelves, "DE", shelves.member("DE", "de-a"), *asked, document=MEMBERS)
    all_of_them = await ask(shelves, "DE", shelves.at("DE", "registry"), *asked, document=MEMBERS)
    refused = await ask(shelves, "DE", shelves.lab("lab-one", "DE"), *asked, document=MEMBERS)

    a, b = ({"__typename": "Member", "id": each} for each in ("de-a", "de-b"))
    assert own == ([None, a, None], {})
    assert all_of_them == ([b, a, None], {})
    assert refused == ([None] * 3, dict.fromkeys(range(3), "NOT_ALLOWED"))


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_who_may_not_ask_the_field_of_a_thing_is_refused_each_one_and_shown_the_rest(
    shelves, code
):
    kinds = {"Collective": "DE", "Licence": "x", "Rightholder": "DE:R-1", "Work": "DE:W-2"}
    asked = [one for kind, key in kinds.items() for one in named(kind, key)]
    member = shelves.member("DE", "de-a") if code == "DE" else None
    nobody, unknown = await ask(shelves, code, None, *asked, document=OF_ALL)
    async with nothing_changes(shelves, code):
        person, forbidden = await ask(shelves, code, member, *asked, document=OF_ALL)

    shown = {"__typename": "Collective", "code": "DE"}
    assert nobody == [shown, None, None, None]
    assert unknown == dict.fromkeys((1, 2, 3), "NOT_AUTHENTICATED")
    if member is not None:
        assert person[:3] == [shown, None, None]
        assert forbidden == {1: "NOT_ALLOWED", 2: "NOT_ALLOWED"}
        assert person[3]["title"] == "Second of DE"


async def test_a_partner_of_a_node_is_told_no_more_on_behalf_of_a_lab(shelves):
    """The hub's own server is a partner of every node; the lab behind it is not."""
    for person in (shelves.lab("lab-one"), shelves.at(HUB, "auditor")):
        found, _ = await ask(shelves, HUB, person, *named("Work", "DE:W-1"))
        assert found == [work("DE:W-1", "First of DE", "George Orwell")]


async def test_a_node_that_is_down_costs_its_own_things(shelves):
    asked = named("Work", "FR:W-1", "DE:W-2", "FR:W-2")
    async with down(shelves, "FR"):
        found, refused = await ask(shelves, HUB, shelves.lab("lab-one"), *asked)

    assert found == [None, work("DE:W-2", "Second of DE"), None]
    assert refused == {0: "NODES_MISSING", 2: "NODES_MISSING"}


async def test_an_id_that_names_no_collective_is_refused_alone(shelves):
    asked = named("Work", "W-1", "ZZ:W-1", "DE:W-2", ":W-1")
    found, refused = await ask(shelves, HUB, shelves.lab("lab-one"), *asked)

    assert found == [None, None, work("DE:W-2", "Second of DE"), None]
    assert refused == {0: "BAD_ID", 1: "UNKNOWN_NODE", 3: "BAD_ID"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([{"__typename": "Money", "minor": "1"}], "BAD_REPRESENTATION"),
        ([{"id": "DE:W-1"}], "BAD_REPRESENTATION"),
        ([{"__typename": "Work"}], "BAD_REPRESENTATION"),
        ([{"__typename": "Work", "id": 1}], "BAD_REPRESENTATION"),
        ([{"__typename": "Work", "id": ""}], "BAD_REPRESENTATION"),
        ([{"__typename": "Work", "id": "x" * 301}], "BAD_REPRESENTATION"),
        ([{"__typename": ["Work"], "id": "DE:W-1"}], "BAD_REPRESENTATION"),
        (["DE:W-1"], "BAD_REPRESENTATION"),
        ([[]], "BAD_REPRESENTATION"),
        (named("Work", *["DE:W-1"] * (ENTITIES_MAX + 1)), "TOO_MANY_ENTITIES"),
    ],
)
@pytest.mark.parametrize("code_of_server", [HUB, "DE"])
async def test_a_wrong_representation_refuses_the_whole_field(shelves, code_of_server, wrong, code):
    lab = shelves.lab("lab-one", code_of_server)
    asked = [*named("Work", "DE:W-2"), *wrong][-ENTITIES_MAX - 1 :]
    found, refused = await ask(shelves, code_of_server, lab, *asked)

    assert (found, refused) == (None, {"all": code})


async def test_the_place_of_a_wrong_representation_is_named(shelves):
    asked = [*named("Work", "DE:W-2"), {"__typename": "Work", "id": None}]
    answer = await tell(shelves, "DE", shelves.lab("lab-one", "DE"), WORKS, all=asked)

    assert [error["message"] for error in answer.body["errors"]] == [
        (
            "A representation names a thing by its type and its key. "
            "(representations[1].id is no text of 1 to 300 characters)"
        )
    ]


SPREAD = """query($all: [_Any!]!, $with: Boolean!, $first: Int = 1) {
  _entities(representations: $all) { ...Things ... on Work @include(if: $with) { id } }
  also: _entities(representations: $all) { ... on Licence { number } } }
fragment Things on _Entity { ... on Work { name: title ...Of } ... on Collective { url } }
fragment Of on Work { creators { ...Who } provenance(first: $first) { edges { cursor } } }
fragment Who on Creator { name __typename }"""


@pytest.mark.parametrize("is_with", [True, False])
async def test_fragments_aliases_and_directives_are_passed_on(shelves, is_with):
    variables = {"all": named("Work", "FR:W-1"), "with": is_with}
    answer = await tell(shelves, HUB, shelves.lab("lab-one"), SPREAD, **variables)

    [found] = answer.body["data"]["_entities"]
    assert found.pop("id", None) == ("FR:W-1" if is_with else None)
    assert found == {
        "name": "First of FR",
        "creators": [{"name": "George Orwell", "__typename": "Creator"}],
        "provenance": {"edges": []},
    }
    assert answer.body["data"]["also"] == [{}]


@contextmanager
def statements_about(table):
    """Collect the statements that any server of the run sends about a table."""
    sent = []

    def hear(connection, cursor, statement, *others):
        del connection, cursor, others
        if table in statement:
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


@pytest.mark.parametrize(
    ("code", "kind", "table"),
    [
        (HUB, "Work", works.WORKS.table.__tablename__),
        ("DE", "Work", works.WORKS.table.__tablename__),
        (HUB, "Licence", "licensing_licence"),
        ("DE", "Licence", "licensing_licence"),
    ],
)
async def test_a_hundred_things_of_a_kind_are_one_look_up(shelves, code, kind, table):
    """Works asked of the hub are one statement of the node that has them: one question to it."""
    asked = named(kind, *(f"DE:W-{n}" for n in range(ENTITIES_MAX)))
    with statements_about(table) as sent:
        found, refused = await ask(
            shelves, code, shelves.lab("lab-one", code), *asked, document=OF_ALL
        )

    assert (len(found), refused, len(sent)) == (ENTITIES_MAX, {}, 1)


async def test_each_thing_counts_as_a_request(shelves, monkeypatch):
    taken = []
    quotas = shelves.keepers["DE"].service.server.quotas
    monkeypatch.setattr(quotas, "take", lambda _, act, count=1: taken.append((act, count)))
    lab = shelves.lab("lab-one", "DE")
    await ask(shelves, "DE", lab, *named("Work", "DE:W-1", "DE:W-1", "DE:W-2"))
    await ask(shelves, "DE", None, *named("Collective", "DE", "FR"))

    assert taken == [
        ("graphql", 1),
        ("cost", 3 * (1 + 10)),
        ("graphql", 2),
        ("anonymous", 1),
        ("anonymous_cost", 2 * (1 + 10)),
        ("anonymous", 1),
    ]


async def test_a_composer_reads_the_committed_schema(shelves):
    for code, role in ((HUB, "hub"), ("DE", "node")):
        answer = await tell(shelves, code, None, "{ _service { sdl } }")
        assert answer.body["data"] == {"_service": {"sdl": sdl(role).removesuffix("\n")}}
