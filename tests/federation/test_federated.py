"""Lists over all nodes: a hub and three nodes answer as one node with all the works would."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import pytest_asyncio

from federation.federated.documents import document_id
from federation.history.kinds import Moment, Saying, Statement
from federation.history.search_store import search
from federation.rightholders import store as rightholders
from federation.rightholders.rightholder import Rightholder
from federation.scenario.client import ApiError
from federation.store.database import Database
from federation.values.cursors import cursor_of
from federation.values.party import HUB
from federation.works import store as works
from federation.works.work import Creator, Work
from tests.federation.asked_about import counted, down
from tests.federation.callers import call_token, entity
from tests.federation.harness import DAY, send, small_federation, write_scenario
from tests.reservations.handing import MONDAY, hand_over

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NODES = ["DE", "FR", "GB"]
TITLES = ["On Foxes", "Foxes", "Éclair", "eclair", "Rain", "Über Füchse", "Zebra 10", "Zebra 9"]
PEN_NAME = Creator("Eric Blair", pseudonym="George Orwell", rightholder="R-1")

SITES = {
    "DE": ["b.example", "a-b.example", "shared.example"],
    "FR": ["c.example", "shared.example"],
    "GB": ["a.example", "ab.example", "shared.example"],
}
ROBOTS = "User-agent: GPTBot\nDisallow: /news/\n"

WORKS = """query($text: String!, $first: Int!, $after: String, $require: Require!) {
  works(text: $text, first: $first, after: $after, require: $require, deadlineMs: 10000) {
    edges { cursor node { id title } } late { id title }
    pageInfo { hasNextPage endCursor } nodes { node state code asOf } complete } }"""


def works_of(code):
    """Some titles are at every node, and some of one node twice."""
    things = {
        f"W-{number}": Work(f"{title} {number % 4}", creators=(PEN_NAME,))
        for number, title in enumerate(TITLES * 4)
    }
    return things | {f"own-{code}": Work(f"Only {code}"), "same": Work("The same everywhere")}


async def say(database, store, things):
    async with database.write("test") as session:
        statements = [
            Statement(name, "REGISTERED", LONG_AGO, None, body) for name, body in things.items()
        ]
        await store.record(session, statements, Saying("anna", "as it is", LONG_AGO))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def catalogues(any_backend, tmp_path_factory):
    """A hub and three nodes that have joined, with works and a rightholder each."""
    folder = tmp_path_factory.mktemp("catalogues")
    async with small_federation(any_backend, write_scenario(folder / "files"), folder) as small:
        await small.story().join()
        for code in NODES:
            await say(small.databases[code], works, works_of(code))
            person = Rightholder("Eric Blair", other_names=("George Orwell",), member="m-1")
            await say(small.databases[code], rightholders, {"R-1": person})
            for host in SITES[code]:
                await hand_over(small.databases[code], ROBOTS, site=f"https://{host}/")
        small.set_clock(DAY)
        yield small


@pytest_asyncio.fixture(loop_scope="session")
async def all_in_one(any_backend):
    """A database that has the works of all nodes, under their ids in the federation."""
    async with any_backend.url(migrated=True) as url:
        database = Database(url)
        for code in NODES:
            things = {f"{code}:{name}": body for name, body in works_of(code).items()}
            await say(database, works, things)
        yield database
        await database.close()


async def ask(small, first, after=None, text="", require="ALL"):
    lab = small.lab("lab-one")
    return await lab.ask(WORKS, first=first, after=after, text=text, require=require)


@pytest.mark.parametrize("text", ["", "foxes", "zeb", "nothing has this"])
async def test_all_nodes_answer_as_one_would(catalogues, all_in_one, text):
    async with all_in_one.read() as session:
        page = await search(session, works.WORKS, text, Moment(DAY), after=None, limit=1_000)
    whole = [(one.thing, one.body.title) for one in page.found]
    found, after = [], None
    for _ in range(40):
        listed = await ask(catalogues, 7, after, text)
        assert (listed["complete"], listed["late"]) == (True, [])
        assert [(one["node"], one["state"]) for one in listed["nodes"]] == [
            (code, "OK") for code in NODES
        ]
        found += [(one["node"]["id"], one["node"]["title"]) for one in listed["edges"]]
        after = listed["pageInfo"]["endCursor"]
        if not listed["pageInfo"]["hasNextPage"]:
            break

    assert found == whole


def ids(listed, part="edges"):
    return [(one.get("node") or one)["id"] for one in listed[part]]


async def test_a_node_that_was_down_costs_its_own_entries_which_come_late(catalogues):
    whole = await ask(catalogues, 100)
    ids_of = {code: [one for one in ids(whole) if one.startswith(code)] for code in NODES}
    async with down(catalogues, "FR"):
        first = await ask(catalogues, 20, require="QUORUM")
        states = [(one["node"], one["state"], one["code"]) for one in first["nodes"]]
        with pytest.raises(ApiError, match="NODES_MISSING"):
            await ask(catalogues, 20)
    second = await ask(catalogues, 100, first["pageInfo"]["endCursor"])
    again = await ask(catalogues, 100, first["pageInfo"]["endCursor"])
    third = await ask(catalogues, 100, first["edges"][4]["cursor"])

    assert states == [("DE", "OK", None), ("FR", "ERROR", "NO_ANSWER"), ("GB", "OK", None)]
    assert [one["asOf"] is None for one in first["nodes"]] == [False, True, False]
    assert ids(first) == [one for one in ids(whole) if one not in ids_of["FR"]][:20]
    assert (first["complete"], first["late"]) == (False, [])
    last = ids(whole).index(ids(first)[-1])
    assert ids(second, "late") == [one for one in ids_of["FR"] if one in ids(whole)[:last]]
    assert ids(second) == ids(whole)[last + 1 :] + ids(second)[len(whole["edges"]) - last - 1 :]
    assert (second["complete"], again) == (True, second | {"nodes": again["nodes"]})
    fifth = ids(whole).index(ids(first)[4])
    assert ids(third, "late") == [one for one in ids_of["FR"] if one in ids(whole)[:fifth]]


async def test_a_node_that_is_down_is_told_as_of_when_it_answered_the_same(catalogues):
    before = await ask(catalogues, 11, text="foxes")
    reserved_before = await reserved(catalogues, 4)
    async with down(catalogues, "FR"):
        told = await ask(catalogues, 11, text="foxes", require="ANY")
        other = await ask(catalogues, 11, text="rain", require="ANY")
        now_only = await reserved(catalogues, 4, "ANY")
        for require in ("QUORUM", "ALL"):
            catalogues.keepers[HUB].service.server.asker.keep([])
            if require == "ALL":
                with pytest.raises(ApiError, match=r"NODES_MISSING.*FR \(NO_ANSWER\)"):
                    await ask(catalogues, 11, text="foxes", require=require)
            else:
                assert ids(await ask(catalogues, 11, text="foxes", require=require)) == ids(before)
    after = await ask(catalogues, 100, told["pageInfo"]["endCursor"], text="foxes")

    assert (ids(told), told["late"], told["complete"]) == (ids(before), [], False)
    [state] = [one for one in told["nodes"] if one["node"] == "FR"]
    assert (state["state"], state["code"]) == ("STALE", "NO_ANSWER")
    assert datetime.fromisoformat(state["asOf"]) < DAY
    assert [one["state"] for one in other["nodes"]] == ["OK", "ERROR", "OK"]
    assert [one["state"] for one in after["nodes"]] == ["OK"] * 3
    assert after["complete"] is False  # what came to FR before the page was not looked for
    assert reserved_before["complete"]
    assert [one["state"] for one in now_only["nodes"]] == ["OK", "ERROR", "OK"]
    assert published(now_only) == [one for one in PUBLISHED if not one[1].startswith("FR")][:4]


async def test_nobody_is_shown_more_than_every_lab(catalogues):
    document = """{ works(first: 1, text: "foxes") { edges { node {
      creators { name pseudonym rightholder } } } } }"""
    shown = [{"name": "George Orwell", "pseudonym": "George Orwell", "rightholder": None}]
    for person in (
        catalogues.lab("lab-one"),
        catalogues.at(HUB, "auditor"),
        catalogues.at(HUB, "operator"),
    ):
        found = await person.ask(document)
        assert [one["node"]["creators"] for one in found["edges"]] == [shown]

    answer = await tell_as(catalogues, "FR", HUB, document)
    assert answer.body["data"]["works"]["edges"][0]["node"]["creators"] == shown


async def test_what_a_node_shows_to_partners_only_costs_a_question_its_answer(catalogues):
    document = """query($require: Require!) { works(first: 1, require: $require) {
      edges { node { changes(first: 1) { edges { node { act } } } } }
      nodes { state code } } }"""
    lab = catalogues.lab("lab-one")
    with pytest.raises(ApiError, match="NODES_MISSING"):
        await lab.ask(document, require="ANY")


RIGHTHOLDERS = """{ rightholders(first: 9, text: "orwell") {
  edges { node { id name otherNames member } } complete } }"""


async def test_partners_and_staff_find_the_rightholders_of_all(catalogues):
    found = await catalogues.at(HUB, "auditor").ask(RIGHTHOLDERS)
    partner = await tell_as(catalogues, "GB", HUB, RIGHTHOLDERS)

    person = {"name": "Eric Blair", "otherNames": ["George Orwell"], "member": None}
    expected = {
        "edges": [{"node": {"id": f"{code}:R-1"} | person} for code in NODES],
        "complete": True,
    }
    assert found == expected
    assert partner.body["data"]["rightholders"] == expected
    with pytest.raises(ApiError, match="NOT_ALLOWED"):
        await catalogues.lab("lab-one").ask(RIGHTHOLDERS)


RESERVATIONS = """query($first: Int!, $after: String, $at: DateTime, $host: String,
    $require: Require!) {
  reservations(first: $first, after: $after, at: $at, host: $host, require: $require,
    deadlineMs: 10000) {
    edges { node { id kind host page
      lists { uses effectiveAt endsAt count rules { path allow } } } }
    late { id host } pageInfo { hasNextPage endCursor } nodes { node state code } complete } }"""
PUBLISHED = [
    ("a-b.example", "DE:2"),
    ("a.example", "GB:1"),
    ("ab.example", "GB:2"),
    ("b.example", "DE:1"),
    ("c.example", "FR:1"),
    ("shared.example", "DE:3"),
    ("shared.example", "FR:2"),
    ("shared.example", "GB:3"),
]


async def reserved(small, first, require="ALL", **asked):
    return await small.lab("lab-one").ask(RESERVATIONS, first=first, require=require, **asked)


def published(listed, part="edges"):
    found = [one.get("node") or one for one in listed[part]]
    return [(one["host"], one["id"]) for one in found]


async def test_what_sites_publish_is_listed_over_all_nodes_by_host(catalogues):
    found, after = [], None
    for _ in range(4):
        page = await reserved(catalogues, 3, after=after)
        found += published(page)
        after = page["pageInfo"]["endCursor"]
        assert (page["complete"], page["late"]) == (True, [])
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert found == PUBLISHED
    assert published(await reserved(catalogues, 9, host="shared.example")) == PUBLISHED[-3:]
    before = (MONDAY - timedelta(seconds=1)).isoformat()
    assert published(await reserved(catalogues, 9, at=before)) == []
    assert (await reserved(catalogues, 1))["edges"][0]["node"] == {
        "id": "DE:2",
        "kind": "ROBOTS",
        "host": "a-b.example",
        "page": None,
        "lists": [
            {
                "uses": ["TRAIN", "FINE_TUNE"],
                "effectiveAt": "2026-09-07T06:00:00+00:00",
                "endsAt": None,
                "count": 1,
                "rules": [{"path": "/news/", "allow": False}],
            }
        ],
    }


async def test_reservations_of_a_node_that_was_down_come_late(catalogues):
    async with down(catalogues, "GB"):
        first = await reserved(catalogues, 3, "QUORUM")
        with pytest.raises(ApiError, match="NODES_MISSING"):
            await reserved(catalogues, 3)
    second = await reserved(catalogues, 9, after=first["pageInfo"]["endCursor"])

    assert published(first) == [PUBLISHED[0], PUBLISHED[3], PUBLISHED[4]]
    assert first["nodes"][2] == {"node": "GB", "state": "ERROR", "code": "NO_ANSWER"}
    assert (first["complete"], second["complete"]) == (False, True)
    assert published(second, "late") == PUBLISHED[1:3]
    assert published(second) == PUBLISHED[5:]


async def tell_as(small, caller, callee, document, **headers):
    """Ask a server as another one does."""
    token = call_token(small, caller, entity(callee))
    body = msgspec.json.encode({"query": document})
    headers = {"Content-Type": "application/json"} | headers
    return await send(small, callee, "/graphql", body, token=token, headers=headers)


CREATORS = '{ works(first: 1, text: "foxes") { edges { node { creators { name } } } } }'


@pytest.mark.parametrize(
    ("on_behalf_of", "name"),
    [
        (None, "Eric Blair"),
        ("partner", "Eric Blair"),
        ("signed-in", "George Orwell"),
        ("everybody", "George Orwell"),
    ],
)
async def test_a_node_answers_the_hub_on_behalf_of_whom_it_names(catalogues, on_behalf_of, name):
    headers = {} if on_behalf_of is None else {"Federation-On-Behalf-Of": on_behalf_of}
    answer = await tell_as(catalogues, HUB, "GB", CREATORS, **headers)

    [edge] = answer.body["data"]["works"]["edges"]
    assert edge["node"]["creators"] == [{"name": name}]


@pytest.mark.parametrize("document", ["{ rightholders(first: 1) { edges { cursor } } }"])
async def test_on_behalf_of_somebody_signed_in_nothing_of_a_role_is_shown(catalogues, document):
    headers = {"Federation-On-Behalf-Of": "signed-in"}
    answer = await tell_as(catalogues, HUB, "GB", document, **headers)

    assert answer.code == "NOT_ALLOWED"


async def test_a_node_stops_when_the_hub_waits_no_longer(catalogues):
    headers = {"Federation-Deadline-Ms": "0"}
    answer = await tell_as(catalogues, HUB, "GB", CREATORS, **headers)
    of_a_person = await send(
        catalogues,
        "GB",
        "/graphql",
        msgspec.json.encode({"query": CREATORS}),
        token=catalogues.at("GB", "auditor")._token(),
        headers=headers | {"Content-Type": "application/json"},
    )

    assert (answer.status, answer.code) == (504, "DEADLINE_OVER")
    assert of_a_person.status == 200


@pytest.fixture
def told(catalogues):
    """Send a body to the node DE, as the hub, an auditor or nobody; return how it is answered."""
    tokens = {
        "hub": call_token(catalogues, HUB, entity("DE")),
        "auditor": catalogues.at("DE", "auditor")._token(),
        "nobody": None,
    }

    async def tell(who, **body):
        body, headers = msgspec.json.encode(body), {"Content-Type": "application/json"}
        found = await send(catalogues, "DE", "/graphql", body, token=tokens[who], headers=headers)
        return found.status, found.code or found.body["data"]

    return tell


ANSWERED = 200, {"__typename": "Query"}
NOT_KNOWN = 404, "DOCUMENT_NOT_KNOWN"
NOT_TRUSTED = 403, "DOCUMENT_NOT_TRUSTED"


@pytest.mark.parametrize("who", ["hub", "auditor"])
async def test_whoever_is_known_may_name_a_document_that_it_has_sent(told, who):
    text = f"{{ __typename }} # {who}"
    name = document_id(text)

    assert await told(who, documentId=name) == NOT_KNOWN
    assert await told(who, documentId=name, query="{ a: __typename }") == (400, "BAD_REQUEST")
    assert await told(who, documentId=name, query=text) == ANSWERED
    assert await told(who, documentId=name) == ANSWERED
    assert await told("auditor" if who == "hub" else "hub", documentId=name) == NOT_KNOWN


async def test_of_who_is_not_known_no_document_is_kept(told, catalogues):
    text = "{ __typename } # of nobody"
    name = document_id(text)

    assert await told("nobody", documentId=name, query=text) == ANSWERED
    assert await told("nobody", documentId=name) == NOT_KNOWN
    assert "" not in catalogues.keepers["DE"].service.server.documents._shelves


@pytest.mark.parametrize("text", ["{ nothing }", "{", "{ " + "a: __typename " * 16 + "}"])
async def test_a_document_that_is_refused_is_not_kept(told, text):
    name = document_id(text)
    await told("auditor", documentId=name, query=text)

    assert await told("auditor", documentId=name) == NOT_KNOWN


async def test_where_documents_are_trusted_nobody_else_asks_others(told, catalogues):
    trusted, other = "{ __typename }", "{ a: __typename }"
    server = catalogues.keepers["DE"].service.server
    server.trusted_documents = {document_id(trusted): trusted}
    try:
        for who in ("nobody", "auditor", "hub"):
            assert await told(who, documentId=document_id(trusted)) == ANSWERED
            assert await told(who, query=trusted) == ANSWERED
        assert await told("nobody", query=other) == NOT_TRUSTED
        assert await told("nobody", query=other, documentId=document_id(trusted)) == NOT_TRUSTED
        assert await told("nobody", documentId=document_id(other)) == NOT_KNOWN
        assert await told("nobody") == NOT_TRUSTED
        assert await told("auditor", query=other) == (200, {"a": "Query"})
    finally:
        server.trusted_documents = {}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 0", "BAD_PAGE"),
        ("first: 101", "BAD_PAGE"),
        ("first: 1, deadlineMs: 49", "BAD_DEADLINE"),
        ("first: 1, deadlineMs: 10001", "BAD_DEADLINE"),
        ('first: 1, after: "x"', "BAD_CURSOR"),
    ],
)
async def test_a_question_that_is_none_is_refused_before_anybody_is_asked(
    catalogues, arguments, code
):
    with pytest.raises(ApiError, match=code):
        await catalogues.lab("lab-one").ask(f"{{ works({arguments}) {{ complete }} }}")


async def test_a_cursor_belongs_to_its_question(catalogues):
    cursor = (await ask(catalogues, 1))["edges"][0]["cursor"]
    with pytest.raises(ApiError, match="OTHER_QUESTION"):
        await ask(catalogues, 1, cursor, text="foxes")


async def test_edges_and_late_entries_have_the_names_that_are_asked_for(catalogues):
    found = await catalogues.lab("lab-one").ask("""{ works(first: 1, text: "foxes") {
      __typename
      all: edges { __typename at: cursor work: node { id } again: node { of: __typename } }
      edges { ...Edge }
      none: late { id }
      pageInfo { __typename hasNextPage endCursor } } }
      fragment Edge on WorkEdge { node { title } }""")

    [edge] = found["all"]
    assert found == {
        "__typename": "WorkFederatedConnection",
        "all": [
            {
                "__typename": "WorkEdge",
                "at": edge["at"],
                "work": {"id": "DE:W-1"},
                "again": {"of": "Work"},
            }
        ],
        "edges": [{"node": {"title": "Foxes 1"}}],
        "none": [],
        "pageInfo": {"__typename": "PageInfo", "hasNextPage": True, "endCursor": edge["at"]},
    }
    assert list(edge) == ["__typename", "at", "work", "again"]


async def test_variables_and_directives_reach_the_nodes(catalogues):
    document = """query($few: Int!, $no: Boolean!, $at: DateTime) {
      works(first: 2, text: "foxes") { edges { a: node { ...Shown } } } }
      fragment Shown on Work { id title @include(if: $no) __typename
        provenance(first: $few, at: $at) { edges { cursor } } }"""
    found = await catalogues.lab("lab-one").ask(
        document, few=3, no=False, at="2026-09-01T00:00:00+02:00"
    )

    shown = {"__typename": "Work", "provenance": {"edges": []}}
    assert found["edges"] == [{"a": {"id": one} | shown} for one in ("DE:W-1", "DE:W-17")]


OF_ALL = WORKS.replace("works(", "worksOfAll(")


async def of_all(small, first, after=None, text="", require="ALL", code="GB"):
    auditor = small.at(code, "auditor")
    return await auditor.ask(OF_ALL, first=first, after=after, text=text, require=require)


async def test_staff_of_a_node_ask_it_for_everybodys_works(catalogues, monkeypatch):
    await of_all(catalogues, 7, text="rain")  # a node that was started anew is sent the document
    with counted(monkeypatch) as sent:
        first = await of_all(catalogues, 7, text="foxes")
    second = await of_all(catalogues, 7, first["pageInfo"]["endCursor"], text="foxes")
    by_the_hub = await ask(catalogues, 7, text="foxes")
    behind = await ask(catalogues, 7, first["pageInfo"]["endCursor"], text="foxes")

    assert sorted(sent) == ["DE", "FR", "GB", "HUB"]  # nothing goes round
    assert (ids(first), ids(second)) == (ids(by_the_hub), ids(behind))
    assert (first["complete"], first["late"], len(ids(first))) == (True, [], 7)
    assert [(one["node"], one["state"]) for one in first["nodes"]] == [
        (code, "OK") for code in NODES
    ]


async def test_at_a_node_everything_is_named_as_it_is_asked_for(catalogues):
    auditor = catalogues.at("DE", "auditor")
    works = await auditor.ask(
        """query($no: Boolean!) { mine: worksOfAll(first: 1, text: "foxes") {
          __typename ...Page complete @include(if: $no) } }
        fragment Page on WorkFederatedConnection { all: edges { __typename work: node { id } } }""",
        no=False,
    )
    people = await auditor.ask(
        """query($name: String!) { rightholdersOfAll(first: 9, text: $name) {
          edges { node { id otherNames member } } } }""",
        name="orwell",
    )
    published = await auditor.ask("{ reservationsOfAll(first: 1) { edges { node { id } } } }")

    assert works == {
        "__typename": "WorkFederatedConnection",
        "all": [{"__typename": "WorkEdge", "work": {"id": "DE:W-1"}}],
    }
    person = {"otherNames": ["George Orwell"], "member": None}
    assert people == {"edges": [{"node": {"id": f"{code}:R-1"} | person} for code in NODES]}
    assert published == {"edges": [{"node": {"id": "DE:2"}}]}


async def test_what_only_the_hub_can_judge_is_refused_at_a_node_in_its_words(catalogues):
    cursor = (await of_all(catalogues, 1, text="foxes"))["edges"][0]["cursor"]
    forged = f"{'B' if cursor[0] == 'A' else 'A'}{cursor[1:]}"
    for after, text, code in (
        (cursor, "rain", "OTHER_QUESTION"),
        (forged, "foxes", "BAD_CURSOR"),
        (cursor_of("works", ("a", "b")), "foxes", "BAD_CURSOR"),
    ):
        with pytest.raises(ApiError, match=code):
            await of_all(catalogues, 1, after, text)
    async with down(catalogues, "FR"):
        with pytest.raises(
            ApiError, match=r"NODES_MISSING.*\(ALL: no answer of FR \(NO_ANSWER\)\)"
        ):
            await of_all(catalogues, 33)
        missing = await of_all(catalogues, 33, require="QUORUM")

    assert [one["state"] for one in missing["nodes"]] == ["OK", "ERROR", "OK"]


async def test_without_the_hub_a_node_lists_its_own_only(catalogues):
    async with down(catalogues, HUB):
        with pytest.raises(ApiError, match=r"PEER_DOWN.*HUB: NO_ANSWER"):
            await of_all(catalogues, 3)
        own = await catalogues.at("GB", "auditor").ask(
            '{ works(first: 1, text: "foxes") { edges { node { id } } } }'
        )
    assert ids(own) == ["GB:W-1"]


@pytest.mark.parametrize("on_behalf_of", ["signed-in", "partner"])
async def test_the_hub_is_not_asked_by_a_node_that_it_asks(catalogues, monkeypatch, on_behalf_of):
    headers = {"Federation-On-Behalf-Of": on_behalf_of}
    with counted(monkeypatch) as sent:
        answer = await tell_as(
            catalogues, HUB, "GB", "{ worksOfAll(first: 1) { complete } }", **headers
        )

    assert (answer.code, sent) == ("NOT_ALLOWED", [])


async def test_a_cursor_is_good_for_a_day_and_as_it_was_given(catalogues):
    cursor = (await ask(catalogues, 1))["edges"][0]["cursor"]
    forged = f"{'B' if cursor[0] == 'A' else 'A'}{cursor[1:]}"
    foreign = await catalogues.lab("lab-one").ask("{ reservations(first: 1) { edges { cursor } } }")
    with pytest.raises(ApiError, match="BAD_CURSOR"):
        await ask(catalogues, 1, forged)
    with pytest.raises(ApiError, match="OTHER_QUESTION"):
        await ask(catalogues, 1, foreign["edges"][0]["cursor"])
    catalogues.set_clock(DAY + timedelta(days=1))
    try:
        with pytest.raises(ApiError, match="CURSOR_EXPIRED"):
            await ask(catalogues, 1, cursor)
    finally:
        catalogues.set_clock(DAY)


def as_sent(body, length=None):
    head = "HTTP/1.1 200 OK\r\nFederation-On-Behalf-Of: signed-in\r\nConnection: close\r\n"
    return f"{head}Content-Length: {length or len(body)}\r\n\r\n".encode() + body


def an_edge(thing, title, code="FR"):
    cursor = cursor_of("works", (title.lower(), thing))
    return {"cursor": cursor, "node": {"id": f"{code}:{thing}", "title": title}}


def a_page(*edges):
    info = {"hasNextPage": False, "endCursor": None}
    return msgspec.json.encode({"data": {"works": {"edges": edges, "pageInfo": info}}})


MAD = {
    "garbage": (as_sent(b"<html>busy"), "ERROR", "BAD_ANSWER"),
    "2 GB": (as_sent(b"x" * 20_000_000, 2_000_000_000), "ERROR", "TOO_LONG"),
    "slow": (as_sent(b"{", 9), "TIMEOUT", "DEADLINE_OVER"),
    "another's": (as_sent(a_page(an_edge("1", "a", "GB"))), "ERROR", "BAD_ANSWER"),
    "out of order": (as_sent(a_page(an_edge("2", "b"), an_edge("1", "a"))), "ERROR", "BAD_ANSWER"),
    "nonsense": (as_sent(a_page({"cursor": "x", "node": 7})), "ERROR", "BAD_ANSWER"),
    "nothing": (b"", "ERROR", "NO_ANSWER"),
}


@pytest.mark.parametrize("case", MAD)
async def test_what_a_mad_node_answers_costs_its_own_entries_only(catalogues, case):
    answer, state, code = MAD[case]
    asker, over = catalogues.keepers[HUB].service.server.asker, asyncio.Event()

    async def mad(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if case == "slow":
                await over.wait()
        except ConnectionError:
            pass
        finally:
            writer.close()

    port = catalogues.running["FR"].config.port
    document = WORKS.replace("deadlineMs: 10000", f"deadlineMs: {500 if case == 'slow' else 10000}")
    async with down(catalogues, "FR"), AsyncExitStack() as stack:
        server = await asyncio.start_server(mad, "127.0.0.1", port, reuse_address=True)
        await stack.enter_async_context(server)
        found = await catalogues.lab("lab-one").ask(
            document, first=3, text="only", require="QUORUM"
        )
        over.set()
    asker.keep([])

    assert ids(found) == ["DE:own-DE", "GB:own-GB"]
    assert [(one["state"], one["code"]) for one in found["nodes"]] == [
        ("OK", None),
        (state, code),
        ("OK", None),
    ]
    assert found["complete"] is False
