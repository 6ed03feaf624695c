import asyncio
import json

import httpx
import pytest

from tests.schema import probe

GRAPHQL = "application/graphql-response+json"


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(app=probe.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        yield client


def code(response):
    assert response.headers["content-type"].startswith("application/json")
    (error,) = response.json()["errors"]
    return response.status_code, error["extensions"]["code"]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL};q=0.5, application/json", "application/json"),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "application/json"),
    ],
)
async def test_the_media_type_is_the_one_the_client_prefers(client, accept, answered):
    headers = {} if accept is None else {"accept": accept}
    request = client.build_request("POST", "/graphql", json={"query": "{ __typename }"})
    request.headers.pop("accept")
    request.headers.update(headers)

    response = await client.send(request)

    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == answered
    assert response.json() == {"data": {"__typename": "Query"}}


async def test_a_client_that_takes_neither_media_type_gets_406(client):
    response = await client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"accept": "text/html"}
    )

    assert code(response) == (406, "NOT_ACCEPTABLE")


REQUEST_ERRORS = [
    ({"query": "{"}, "SYNTAX"),
    ({"query": "{ nothing }"}, "INVALID_DOCUMENT"),
    ({"query": "query Q($n: BigInt!) { echo(number: $n) }", "variables": {"n": 1.5}}, None),
]


@pytest.mark.parametrize(("body", "error_code"), REQUEST_ERRORS)
async def test_a_request_error_has_no_data_and_status_400(client, body, error_code):
    response = await client.post("/graphql", json=body, headers={"accept": GRAPHQL})

    assert response.status_code == 400
    assert response.headers["content-type"].startswith(GRAPHQL)
    assert list(response.json()) == ["errors"]
    assert response.json()["errors"][0].get("extensions", {}).get("code") == error_code


@pytest.mark.parametrize(("body", "_code"), REQUEST_ERRORS)
async def test_a_client_of_plain_json_gets_the_same_answer_with_status_200(client, body, _code):
    response = await client.post("/graphql", json=body, headers={"accept": "application/json"})

    assert response.status_code == 200
    assert list(response.json()) == ["errors"]


async def test_an_error_of_a_field_keeps_the_data_and_status_200(client):
    response = await client.post(
        "/graphql", json={"query": "{ counter }"}, headers={"accept": GRAPHQL}
    )

    assert response.status_code == 200
    assert response.json()["data"] == {"counter": None}


async def test_data_that_a_field_error_made_null_is_still_data(client):
    response = await client.post(
        "/graphql", json={"query": "{ missing }"}, headers={"accept": GRAPHQL}
    )

    assert response.status_code == 200
    assert response.json()["data"] is None


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/jsonx", "text/json"])
async def test_a_body_that_is_not_declared_json_gets_415(client, content_type):
    headers = {} if content_type is None else {"content-type": content_type}

    response = await client.post(
        "/graphql", content=b'{"query": "{ __typename }"}', headers=headers
    )

    assert code(response) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{ "not a JSON',
        b'{"query": "\xff"}',
        b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
        b"[" * 100_000,
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"null",
        b'"text"',
        b'{"query": 1}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "extensions": 0}',
        b'{"query": "{ __typename }", "operationName": {}}',
        b'{"query": "{ __typename }", "operationName": "Other"}',
        b'{"query": ""}',
        b"{}",
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    ],
)
async def test_a_body_that_says_nothing_readable_gets_400(client, body):
    response = await client.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )

    assert code(response) == (400, "BAD_REQUEST")


async def test_a_body_of_a_megabyte_gets_413_before_it_is_read(client):
    body = json.dumps({"query": "{ __typename }", "variables": {"a": "x" * 1_000_000}})

    response = await client.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )

    assert code(response) == (413, "BODY_TOO_LARGE")


async def test_a_body_without_an_announced_length_is_measured_while_it_is_read(client):
    async def endless():
        for _ in range(100):
            yield b" " * 10_000

    response = await client.post(
        "/graphql", content=endless(), headers={"content-type": "application/json"}
    )

    assert code(response) == (413, "BODY_TOO_LARGE")


async def test_a_query_by_get_is_answered(client):
    response = await client.get(
        "/graphql",
        params={"query": "query($n: BigInt!) { echo(number: $n) }", "variables": '{"n": "7"}'},
    )

    assert response.status_code == 200
    assert response.json() == {"data": {"echo": "7"}}


async def test_a_mutation_by_get_is_refused_and_told_the_method(client):
    response = await client.get("/graphql", params={"query": "mutation { add(number: 1) }"})

    assert code(response) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("params", [{}, {"query": "{ __typename }", "variables": "{"}])
async def test_a_get_that_says_nothing_readable_gets_400(client, params):
    assert code(await client.get("/graphql", params=params)) == (400, "BAD_REQUEST")


async def test_what_an_extension_fails_with_is_masked_and_ours(client, monkeypatch, capsys):
    def explode(*_):
        raise KeyError("swordfish")

    monkeypatch.setattr("federation.schema.guards.check_document", explode)
    response = await client.post(
        "/graphql", json={"query": "{ never: __typename }"}, headers={"accept": GRAPHQL}
    )

    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"] == {"code": "UNEXPECTED"}
    assert "swordfish" not in response.text
    assert "swordfish" in capsys.readouterr().err


async def test_simultaneous_requests_keep_their_own_media_types(client):
    accepts = ["application/json", GRAPHQL] * 20
    body = {"query": "{ node { child { name } } }"}

    responses = await asyncio.gather(
        *(client.post("/graphql", json=body, headers={"accept": accept}) for accept in accepts)
    )

    assert [r.headers["content-type"].partition(";")[0] for r in responses] == accepts


def test_a_request_waits_for_one_dependency_and_no_thread():
    (route,) = (route for route in probe.app.routes if route.path == "/graphql")

    for handler in route.route_handlers:
        if not handler.name or "Controller" in repr(handler.owner):
            assert list(handler.resolve_dependencies()) == ["context"]


def test_there_is_no_websocket_door():
    assert {type(route).__name__ for route in probe.app.routes} == {"HTTPRoute"}
