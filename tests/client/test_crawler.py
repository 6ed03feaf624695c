"""Pages through the client's crawler: what is sent, what is kept of an answer, what is raised."""

import asyncio
from datetime import UTC, datetime

import httpx
import msgspec
import pytest

from federation.access.wire import Answer
from federation.crawler.refusals import LicenceRevokedError
from federation_client import AsyncLab, Lab, NotUnderstoodError
from tests.client.faces import FACES, HUB, Bearer, Packed, Server, data

pytestmark = pytest.mark.parametrize("face", FACES)
URL = "https://site.example/a?b=%C3%A9"
AT = datetime(2026, 10, 1, 12, tzinfo=UTC)


def minted(_call):
    token = {"__typename": "LicenceToken", "token": "a.b.c", "expiresIn": 3600}
    return Answer(200, {}, msgspec.json.encode({"data": {"minted": token}}))


def crawled(face, server, folder, act, **of_http):
    """Return what an act on a crawler comes to."""
    key, transport = folder / "key.pem", httpx.MockTransport(server)
    known = {"clock": lambda: AT, "fetch": minted}
    named = {"user_agent": "lab-bot/1.0"}
    if face == "blocking":
        with httpx.Client(transport=transport, **of_http) as http:
            return act(Lab(HUB, Bearer(), http=http, **known).crawler("HUB-1", key, **named))

    async def go():
        async with httpx.AsyncClient(transport=transport, **of_http) as http:
            lab = AsyncLab(HUB, Bearer(), http=http, **known)
            return await act(lab.crawler("HUB-1", key, **named))

    return asyncio.run(go())


def get(crawler):
    return crawler.get(URL, use="TRAIN", headers={"X-Lab": "1"})


def test_a_page_is_asked_for_with_a_token_a_use_a_name_and_a_signature(face, tmp_path):
    server = Server(httpx.Response(200, headers={"x-page": "1"}, content=b"A page."))

    page = crawled(face, server, tmp_path, get)

    assert (page.url, page.status, page.is_served, page.body) == (URL, 200, True, b"A page.")
    assert page.headers["x-page"] == "1"
    [sent] = server.requests
    assert str(sent.url) == URL
    wanted = {"authorization": "License a.b.c", "x-licence-use": "TRAIN", "x-lab": "1"}
    wanted["user-agent"] = "lab-bot/1.0"
    assert wanted.items() <= dict(sent.headers).items()
    assert {"signature", "signature-input"} <= {*sent.headers}


def test_a_page_that_does_not_unpack_is_none(face, tmp_path):
    with pytest.raises(NotUnderstoodError, match="it does not unpack"):
        crawled(face, Packed(), tmp_path, get)


def test_an_address_is_signed_in_the_spelling_in_which_it_is_sent(face, tmp_path):
    server = Server(httpx.Response(200))

    page = crawled(
        face, server, tmp_path, lambda it: it.get("https://Site.example:443/é x", use="T")
    )

    assert page.url == str(server.requests[0].url) == "https://site.example/%C3%A9%20x"


@pytest.mark.parametrize("status", [302, 401, 402, 403, 404, 503])
def test_what_a_site_refuses_is_the_labs_to_judge(face, tmp_path, status):
    server = Server(httpx.Response(status, headers={"location": "https://other.example/"}))

    page = crawled(face, server, tmp_path, get, follow_redirects=True)

    assert (page.status, page.is_served, len(server.requests)) == (status, False, 1)


def test_a_licence_that_opens_nothing_more_is_raised(face, tmp_path):
    server = Server(httpx.Response(403, json={"code": "LICENCE_REVOKED"}))

    with pytest.raises(LicenceRevokedError):
        crawled(face, server, tmp_path, get)


def test_a_page_without_an_end_is_not_read_to_it(face, tmp_path, monkeypatch):
    monkeypatch.setattr("federation_client.retrying.ANSWER_BYTES_MAX", 10)

    with pytest.raises(NotUnderstoodError):
        crawled(face, Server(httpx.Response(200, content=b" " * 11)), tmp_path, get)


def test_a_given_http_client_sends_a_token_nowhere_else_and_no_other_credential(face, tmp_path):
    redirect = httpx.Response(307, headers={"location": "https://other.example/"})
    page = httpx.Response(200)
    server = Server(page, redirect)

    crawled(face, server, tmp_path, get, auth=("somebody", "else"))
    crawled(face, server, tmp_path, get, auth=("somebody", "else"), follow_redirects=True)

    assert [each.headers["authorization"] for each in server.requests] == ["License a.b.c"] * 2
    assert {each.url.host for each in server.requests} == {"site.example"}


def test_a_given_http_client_asks_the_hub_with_the_labs_token_alone(face, tmp_path):
    del tmp_path
    page = {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    server, shown = Server(data(licences=page)), {"auth": ("somebody", "else")}
    transport = httpx.MockTransport(server)
    if face == "blocking":
        with httpx.Client(transport=transport, **shown) as http:
            list(Lab(HUB, Bearer(), http=http).licences())
    else:

        async def go():
            async with httpx.AsyncClient(transport=transport, **shown) as http:
                return [each async for each in AsyncLab(HUB, Bearer(), http=http).licences()]

        asyncio.run(go())

    assert server.tokens == ["token-1"]


def test_a_line_of_usage_is_of_the_licence_and_of_now(face, tmp_path):
    made = []

    def act(crawler):
        made.append(crawler.line(URL, use="TRAIN", units=3))
        return crawler.get(URL, use="TRAIN")

    crawled(face, Server(httpx.Response(200)), tmp_path, act)

    [line] = made
    assert (line.licence, line.url, line.use, line.units) == ("HUB-1", URL, "TRAIN", 3)
    assert line.occurred_at == AT
