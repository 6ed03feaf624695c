"""What strangers and partners of ill will send is refused with its place, and keeps out nobody."""

import asyncio
import contextlib
import itertools
import re

import msgspec
import pytest
from graphql import get_introspection_query

from federation import __version__
from federation.edge import bodies, connections
from federation.messaging.inbox import BYTES_MAX
from federation.quotas import Quota
from federation.scenario.servers import HUB_ENTITY
from federation.signing.tokens import Grant, mint_licence_token
from federation.values.party import HUB
from tests.federation.callers import INBOX, MINT, call_token, entity, staff
from tests.federation.harness import DAY, fetch, nothing_changes, send, tell
from tests.still_quotas import still

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = {"Content-Type": "application/json"}
DEEP = b"[" * 60_000
RIGHTS = 'query($urls: [String!]!) { rights(urls: $urls, use: "TRAIN") { complete } }'
TYPENAME = "{ __typename }"

LIVE = f'{{"status":"live","version":"{__version__}"}}'.encode()


async def upload(small, code, path, token, *, announced, sent):
    """Send the head of a request and some of its body; return the status that comes back."""
    server = small.running[code].url.removeprefix("http://")
    host, _, port = server.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        head = f"POST {path} HTTP/1.1\r\nHost: {server}\r\nContent-Length: {announced}\r\n"
        writer.write(f"{head}Authorization: Bearer {token}\r\n\r\n".encode() + sent)
        answer = await reader.read()  # until the server closes
        return int(answer[9:12]), msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
    finally:
        writer.close()


async def test_an_upload_that_stalls_is_answered_and_its_connection_closed(shop, monkeypatch):
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.05)
    token = call_token(shop, HUB, entity("GB"))
    async with nothing_changes(shop, "GB"):
        status, body = await upload(
            shop, "GB", INBOX, token, announced=BYTES_MAX, sent=b"[" * 1_000_000
        )

    assert (status, body["code"]) == (408, "SLOW_BODY")


async def test_who_is_not_known_is_refused_before_the_body_comes(shop):
    async with nothing_changes(shop, "GB"):
        async with asyncio.timeout(bodies.IDLE_SECONDS / 2):
            answer = await send_head(shop, "GB", INBOX, "no.token.here")
    assert answer == 401


async def send_head(small, code, path, token):
    """Return the status that comes before any of a large body was sent."""
    server = small.running[code].url.removeprefix("http://")
    host, _, port = server.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        head = f"POST {path} HTTP/1.1\r\nHost: {server}\r\nContent-Length: 60000000\r\n"
        writer.write(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
        return int((await reader.readuntil(b"\r\n"))[9:12])
    finally:
        writer.close()


async def test_connections_on_which_no_request_comes_keep_out_nobody(shop, monkeypatch):
    """Those that wait longest give way, and all of them end in time."""
    monkeypatch.setattr(connections, "WAITING_MAX", 5)
    host, _, port = shop.running["GB"].url.removeprefix("http://").partition(":")
    opened = []
    try:
        for _ in range(20):
            opened.append(await asyncio.open_connection(host, int(port)))
            opened[-1][1].write(b"GET /health/live HTTP/1.1\r\nX-Never: ends")
        async with asyncio.timeout(connections.HEAD_SECONDS / 2):
            ended = [await reader.read() for reader, _ in opened[:14]]
        async with shop.http.get(f"{shop.running['GB'].url}/health/live") as answer:
            assert answer.status == 200
    finally:
        for _, writer in opened:
            writer.close()

    assert ended == [b""] * 14


async def test_connections_left_open_after_an_answer_keep_out_nobody(shop, monkeypatch):
    """They wait for a next request, and the oldest give way like those that never sent one."""
    monkeypatch.setattr(connections, "WAITING_MAX", 5)
    host, _, port = shop.running["GB"].url.removeprefix("http://").partition(":")
    opened = []
    try:
        for _ in range(20):
            opened.append(await asyncio.open_connection(host, int(port)))
            opened[-1][1].write(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            await opened[-1][0].readuntil(
                b'"status":"live","version":"' + __version__.encode() + b'"}'
            )
        async with asyncio.timeout(connections.HEAD_SECONDS / 2):
            ended = [await reader.read() for reader, _ in opened[:14]]
        opened[-1][1].write(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        again = await opened[-1][0].readuntil(
            b'"status":"live","version":"' + __version__.encode() + b'"}'
        )
    finally:
        for _, writer in opened:
            writer.close()

    assert ended == [b""] * 14
    assert again.startswith(b"HTTP/1.1 200 OK")


async def test_a_head_that_does_not_end_is_cut_off(shop):
    host, _, port = shop.running["GB"].url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"GET /health/live HTTP/1.1\r\nX-Long: " + b"x" * 2_000_000)
        async with asyncio.timeout(connections.HEAD_SECONDS / 2):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
    finally:
        writer.close()


async def test_an_application_meant_for_another_hub_is_refused_before_its_body_comes(shop):
    token = call_token(shop, "GB", entity("FR"))

    assert await send_head(shop, HUB, "/federation/admission", token) == 401


@pytest.mark.parametrize("code", [HUB, "GB"])
async def test_variables_with_a_zero_character_are_refused_with_their_place(shop, code):
    auditor = shop.at(code, "auditor")
    async with nothing_changes(shop, code):
        answer = await tell(shop, code, auditor, RIGHTS, urls=["https://a.example/", "b\0"])

    assert answer.status == 400
    assert answer.body["errors"][0]["message"] == (
        "The request cannot be read: A text holds U+0000. (variables.urls[1]: character 2)."
    )


@pytest.mark.parametrize("spelling", ["\\u0000", "\\u{0}", "\0"])
async def test_a_document_with_a_zero_character_is_refused_with_its_place(shop, spelling):
    document = f'{{ licence(number: "x{spelling}") {{ number }} }}'
    answer = await tell(shop, HUB, shop.lab("lab-one"), document)

    assert answer.code == "BAD_TEXT"
    assert answer.body["errors"][0]["message"] == (
        "A text holds U+0000. (line 1, column 19: character 2)"
    )


async def test_deeply_nested_variables_are_refused(shop):
    for depth in (33, 900, 100_000):
        value = b"[" * depth + b"]" * depth
        body = b'{"query": "{ __typename }", "variables": {"a": %b}}' % value
        answer = await send(shop, HUB, "/graphql", body, headers=JSON)

        assert (answer.status, answer.code) in {(400, "BAD_REQUEST"), (413, "BODY_TOO_LARGE")}


async def test_more_values_than_any_question_has_are_refused(shop):
    few, many = ["x"] * 1_001, ["x"] * 20_000
    auditor = shop.at(HUB, "auditor")
    answers = [await tell(shop, HUB, auditor, RIGHTS, urls=urls) for urls in (few, many)]

    assert [(answer.status, answer.code) for answer in answers] == [
        (200, "TOO_MANY_URLS"),
        (400, "BAD_REQUEST"),
    ]
    assert answers[1].body["errors"][0]["message"] == (
        "The request cannot be read: Too many values are sent at once. "
        "(variables.urls: 20000 are taken)."
    )


@pytest.mark.parametrize("path", ["/documents/a%00.json", "/files/runs%00/2026-09.json"])
async def test_a_path_with_a_zero_character_is_refused(shop, path):
    answer = await fetch(shop, HUB, path, shop.at(HUB, "auditor"))

    assert (answer.status, answer.code) == (400, "BAD_TEXT")


async def test_a_policy_of_a_member_with_a_zero_character_is_refused(shop):
    answer = await fetch(shop, "DE", "/sites/de-a%00/policy", shop.at("DE", "registry"))

    assert (answer.status, answer.code) == (400, "BAD_TEXT")


async def test_json_that_is_too_deep_or_holds_zero_is_refused_at_every_door(shop):
    peer = call_token(shop, "FR", HUB_ENTITY)
    question = {"token": "t", "publisher_id": "fr\0", "url": "https://journal.example/"}
    applying = call_token(shop, "FR", HUB_ENTITY)
    zero = msgspec.json.encode(question)
    async with nothing_changes(shop, HUB, "FR"):
        answers = [
            await send(shop, HUB, INBOX, b'[{"body":' + DEEP, token=peer),
            await send(shop, HUB, "/federation/index", b'{"x":' + DEEP, token=peer),
            await send(shop, HUB, "/federation/admission", b'{"x":' + DEEP, token=applying),
            await send(shop, "FR", "/validate", b'{"x":' + DEEP),
            await send(shop, "FR", "/validate", zero),
        ]

    assert [(answer.status, answer.code) for answer in answers] == [
        (400, "TOO_DEEP"),
        (400, "TOO_DEEP"),
        (422, "BAD_BODY"),  # a field that nobody knows is not read
        (400, "TOO_DEEP"),
        (400, "BAD_TEXT"),
    ]
    assert answers[4].body["message"] == "A text holds U+0000. ($.publisher_id: character 3)"


async def test_half_of_a_surrogate_pair_is_refused_with_its_place_at_every_door(shop):
    half = b'"\\ud800"'
    peer = call_token(shop, "FR", HUB_ENTITY)
    asked = b'{"query": "{ __typename }", "variables": {"a": %b}}' % half
    url = "/graphql?query={__typename}&variables=%7B%22a%22:%22%5Cud800%22%7D"
    async with nothing_changes(shop, HUB, "FR"):
        answers = [
            await send(shop, HUB, INBOX, b"[" + half + b"]", token=peer),
            await send(shop, HUB, "/federation/index", b'{"x":' + half + b"}", token=peer),
            await send(shop, HUB, "/federation/admission", b'{"x":' + half + b"}", token=peer),
            await send(shop, "FR", "/validate", b'{"token":' + half + b"}"),
            await send(shop, HUB, "/graphql", asked, headers=JSON),
            await fetch(shop, HUB, url, shop.lab("lab-one")),
        ]

    assert [answer.status for answer in answers] == [422, 422, 422, 422, 400, 400]
    for answer in answers:
        message = answer.body.get("message") or answer.body["errors"][0]["message"]
        assert re.search(r"byte [0-9]+: \\ud800 is half of a surrogate pair", message), message


async def test_a_zero_character_in_a_registry_file_is_refused_whole(shop):
    token = staff(shop, "FR", "registry", "registry_officer")
    members = "member_id,name,country,joined_on\nfr-z,A\0B,FR,2026-01-01\n"
    works = "member_id,claim,content_tier\nfr-a,new.example/\0,premium\n"
    async with nothing_changes(shop, "FR"):
        for table, text in (("members", members), ("works", works)):
            answer = await send(shop, "FR", f"/registry/{table}", text.encode(), token=token)
            assert (answer.status, answer.code) == (422, "BAD_TABLE")
            assert answer.body["errors"][0]["line"] == 2


def large(document):
    return f"{document[:-1]} # {'x' * 20_000}\n}}"


async def test_strangers_may_send_smaller_documents_than_who_is_known(shop):
    document = large(TYPENAME)
    stranger = await tell(shop, HUB, None, document)
    known = await tell(shop, HUB, shop.at(HUB, "auditor"), document)
    too_much = await tell(shop, HUB, shop.at(HUB, "auditor"), f"{TYPENAME} # {'x' * 70_000}")
    body = await tell(shop, HUB, None, f"{TYPENAME} # {'x' * 70_000}")

    assert (stranger.status, stranger.code) == (200, "DOCUMENT_TOO_LARGE")
    assert known.body == {"data": {"__typename": "Query"}}
    assert (too_much.status, too_much.code) == (200, "DOCUMENT_TOO_LARGE")
    assert (body.status, body.code) == (413, "BODY_TOO_LARGE")


async def test_a_principal_that_asks_too_much_waits_alone(shop):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"graphql": Quota(2, 1), "files": Quota(1, 1)})
    try:
        lab, other = shop.lab("lab-one"), shop.lab("lab-two")
        answers = [await tell(shop, HUB, lab, TYPENAME) for _ in range(3)]
        others = await tell(shop, HUB, other, TYPENAME)
        files = [await fetch(shop, HUB, "/documents/NONE", lab) for _ in range(2)]
    finally:
        server.quotas = kept

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].code == "TOO_MANY_REQUESTS"
    assert others.status == 200
    assert [answer.status for answer in files] == [404, 429]


WHOLE = get_introspection_query()
_numbers = itertools.count()  # a schema is one for all servers of this process, and remembers


def another():
    """Return a question about the schema that nobody has asked yet."""
    return f'{{ __type(name: "A{next(_numbers)}") {{ name }} }}'


@pytest.mark.parametrize("who", ["lab-one", None])
async def test_questions_about_the_schema_have_a_quota_and_what_was_answered_is_not_counted(
    shop, who
):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"introspection": Quota(2, 1)})
    person, other = shop.lab(who) if who else None, shop.lab("lab-two")
    first = f"{WHOLE} # {next(_numbers)}"
    try:
        answers = [await tell(shop, HUB, person, first)]
        answers += [await tell(shop, HUB, person, another()) for _ in range(2)]
        again = await tell(shop, HUB, person, first)
        others = await tell(shop, HUB, other, another())
        asked = await tell(shop, HUB, person, TYPENAME)
    finally:
        server.quotas = kept

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].code == "TOO_MANY_REQUESTS"
    assert "data" not in answers[2].body
    assert again.body == answers[0].body
    assert again.body["data"]["__schema"]["queryType"]["name"] == "Query"
    assert others.status == asked.status == 200


async def test_an_answer_about_the_schema_is_the_same_from_what_is_kept(shop):
    """Also where a lab asks what a stranger asked before, and under another media type."""
    accept = {**JSON, "Accept": "application/graphql-response+json"}
    body = msgspec.json.encode({"query": WHOLE + "# the same"})
    answers = [
        await send(shop, HUB, "/graphql", body, headers=JSON),
        await send(shop, HUB, "/graphql", body, headers=accept),
        await tell(shop, HUB, shop.lab("lab-one"), WHOLE + "# the same"),
    ]

    assert [answer.status for answer in answers] == [200] * 3
    assert answers[0].body == answers[1].body == answers[2].body


async def test_a_document_counts_as_many_requests_as_it_has_root_fields(shop):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"graphql": Quota(10, 1)})
    four = "{ a: __typename b: __typename c: __typename d: __typename }"
    try:
        answers = [await tell(shop, HUB, shop.lab("lab-one"), four) for _ in range(3)]
        left = [await tell(shop, HUB, shop.lab("lab-one"), TYPENAME) for _ in range(2)]
    finally:
        server.quotas = kept

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.status for answer in left] == [200, 429]  # the third request was counted once


async def test_a_document_beyond_the_quota_writes_nothing(shop):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"graphql": Quota(2, 1)})
    act = 'registerLicensee(id: "quota", name: "N") { __typename }'
    acts = [f"{name}: {act}" for name in "abc"]
    publish = f"mutation {{ {' '.join(acts)} }}"
    try:
        async with nothing_changes(shop, HUB):
            answer = await tell(shop, HUB, shop.at(HUB, "licensing"), publish)
    finally:
        server.quotas = kept

    assert (answer.status, answer.code) == (429, "TOO_MANY_REQUESTS")


async def test_no_header_makes_a_stranger_another_one(shop):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"anonymous": Quota(1, 1)})
    body = msgspec.json.encode({"query": TYPENAME})
    try:
        statuses = [
            (await send(shop, HUB, "/graphql", body, headers=JSON | named)).status
            for named in (
                {},
                {"X-Forwarded-For": "198.51.100.7"},
                {"Forwarded": "for=198.51.100.8"},
            )
        ]
    finally:
        server.quotas = kept

    assert statuses == [200, 429, 429]


async def test_who_asks_too_much_about_the_schema_is_told_when_to_come_again(shop):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"introspection": Quota(1, 1)})
    url = f"{shop.running[HUB].url}/graphql"
    try:
        for status in (200, 429):
            async with shop.http.post(url, json={"query": another()}) as answer:
                assert answer.status == status
    finally:
        server.quotas = kept

    assert answer.headers["Retry-After"] == "60"


async def test_minting_waits_for_no_writer(shop):
    async with shop.keepers[HUB].service.server.db.write("test") as _:
        answer = await asyncio.wait_for(mint(shop), 10)

    assert answer.body["data"]["mintToken"]["audience"] == ["https://news.example/de/"]


async def mint(small):
    audience = ["https://news.example/de/"]
    return await tell(
        small, HUB, small.lab("lab-one"), MINT, licence="HUB-000001", audience=audience
    )


async def ask_validate(small, **changes):
    asked = {"publisher_id": "de-a", "url": "https://news.example/de/1", "use": "TRAIN"} | changes
    if "token" not in asked:
        key = small.key(HUB)
        uses = asked.pop("grants", ["TRAIN", "GROUND"])
        audience = asked.pop("audience", ["https://news.example/de/"])
        grant = Grant(HUB_ENTITY, "lab-one", audience, "HUB-000001", uses)
        asked["token"] = mint_licence_token(key, grant, now=DAY)
    return await send(small, "DE", "/validate", msgspec.json.encode(asked))


async def test_a_token_opens_a_page_that_its_site_would_serve(shop):
    answer = await ask_validate(shop)

    assert (answer.status, answer.body) == (
        200,
        {"valid": True, "licence": "HUB-000001", "uses": ["TRAIN", "GROUND"], "use": "TRAIN"},
    )


WRONG = {
    "another page": ({"url": "https://news.example/fr/1"}, "INSUFFICIENT_SCOPE"),
    "another member": ({"publisher_id": "de-b"}, "INSUFFICIENT_SCOPE"),
    "no member": ({"publisher_id": "nobody"}, "INSUFFICIENT_SCOPE"),
    "a use not granted": ({"use": "SEARCH"}, "USE_NOT_GRANTED"),
    "one of two uses": ({"use": None}, "USE_NOT_GRANTED"),
    "withheld": ({"url": "https://news.example/de/private/1"}, "WITHHELD"),
    "contested": (
        {"url": "https://twins.example/", "audience": ["https://twins.example/"]},
        "WITHHELD",
    ),
    "no token": ({"token": "no token"}, "INVALID_TOKEN"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_token_opens_nothing_that_its_site_would_not_serve(shop, case):
    changes, code = WRONG[case]
    answer = await ask_validate(shop, **changes)

    assert (answer.status, answer.body["valid"], answer.code) == (403, False, code)


@pytest.mark.parametrize(
    ("code", "path", "person", "table"),
    [
        ("DE", "/registry/works", "registry", b"member_id,claim,content_tier\nnobody,x,gold\n"),
        ("DE", "/registry/members", "registry", b"member_id\n"),
        ("DE", "/registry/optouts", "registry", b"subject,use,effective_at\nx,y,z\n"),
        (HUB, "/settlement/rates", "settlement", b"date,currency,rate\nno,EURO,1\n"),
    ],
)
async def test_a_wrong_table_is_refused_while_somebody_else_writes(shop, code, path, person, table):
    token = shop.at(code, person)._token()
    async with shop.databases[code].write("test"):
        answer = await send(shop, code, path, table, token=token)

    assert (answer.status, answer.code) == (422, "BAD_TABLE")
