"""What is sent, what is sent again and when, and how what comes back is read: in both faces."""

import httpx
import pytest

from federation.access.bearers import NoTokenError
from federation.access.wire import UnreachableError
from federation_client import NotUnderstoodError, OutcomeUnknownError, RefusedError
from federation_client.generated import questions
from federation_client.retrying import TRIES_MAX, Answer
from tests.client.faces import FACES, Bearer, Packed, Server, answered, data, errors

pytestmark = pytest.mark.parametrize("face", FACES)
PAGE = {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
GOOD = data(licences=PAGE)
QUERY = questions.licences(first=1)
KEYED = questions.accept_offer(offer="o-1", key="k")
UNKEYED = questions.mint_tokens(licence="HUB-000001", sites=[["https://a.example/"]])
MINTED = {"__typename": "LicenceTokens", "tokens": ["t"], "expiresIn": 900, "refused": []}


def busy(status, **headers):
    return httpx.Response(
        status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_what_passes_is_waited_for_twice_as_long_each_time(face):
    server = Server(httpx.ConnectError(""), busy(503), busy(502), busy(504), GOOD)

    found, pauses = answered(face, server, lambda asking: asking.ask(QUERY))

    assert (found.edges, pauses) == ((), [1, 2, 4, 8])


def test_by_chance_a_pause_is_up_to_half_shorter(face):
    server = Server(busy(503), busy(503), GOOD)

    _, pauses = answered(face, server, lambda asking: asking.ask(QUERY), chance=0.5)

    assert pauses == [0.75, 1.5]


def test_a_server_that_says_when_is_not_asked_earlier(face):
    server = Server(busy(429, retry_after="7"), busy(503, retry_after="60"), GOOD)

    _, pauses = answered(face, server, lambda asking: asking.ask(QUERY))

    assert pauses == [7, 60]


def test_who_is_told_to_wait_longer_than_a_minute_is_told_so_at_once(face):
    server = Server(errors("TOO_MANY_REQUESTS", "graphql", 429))
    server._answers[0].headers["retry-after"] = "61"

    with pytest.raises(RefusedError) as refusal:
        answered(face, server, lambda asking: asking.ask(QUERY))

    assert (refusal.value.code, refusal.value.retry_after) == ("TOO_MANY_REQUESTS", 61)
    assert str(refusal.value) == "TOO_MANY_REQUESTS: graphql"


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (httpx.ConnectError("no"), UnreachableError),
        (httpx.ReadTimeout("no"), UnreachableError),
        (httpx.RemoteProtocolError("no"), UnreachableError),
        (busy(502), RefusedError),
    ],
)
@pytest.mark.parametrize("question", [QUERY, KEYED])
def test_it_is_given_up_after_five_times(face, question, failure, raised):
    server = Server(*[failure] * TRIES_MAX)

    with pytest.raises(raised):
        answered(face, server, lambda asking: asking.ask(question))

    assert len(server.requests) == TRIES_MAX == 5


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("no"),
        httpx.WriteError("no"),
        httpx.RemoteProtocolError("no"),
        busy(500),
        busy(502),
        busy(503),
        busy(503, retry_after="soon"),
        busy(504),
        busy(524),
    ],
)
def test_what_may_have_been_done_is_not_done_again_without_a_key(face, failure):
    server = Server(failure)

    with pytest.raises(OutcomeUnknownError):
        answered(face, server, lambda asking: asking.ask(UNKEYED))

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("no"),
        httpx.ConnectTimeout("no"),
        httpx.PoolTimeout("no"),
        busy(429),
        busy(503, retry_after="1"),
    ],
)
def test_what_was_certainly_not_done_is_asked_again_without_a_key(face, failure):
    server = Server(failure, data(mintTokens=MINTED))

    found, pauses = answered(face, server, lambda asking: asking.ask(UNKEYED))

    assert (found.tokens, pauses) == (("t",), [1])


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404, 408, 413, 422, 500, 524])
def test_what_does_not_pass_by_itself_is_raised_at_once(face, status):
    headers = {"location": "https://elsewhere.example/"}  # a token is shown to one server only
    server = Server(httpx.Response(status, headers=headers, content=b"<html>"))

    with pytest.raises(RefusedError) as refusal:
        answered(face, server, lambda asking: asking.ask(QUERY))

    assert (refusal.value.code, len(server.requests)) == (f"HTTP_{status}", 1)


def test_a_token_that_is_not_taken_is_followed_by_one_other(face):
    plain = {"code": "NOT_AUTHENTICATED", "message": "A token is needed."}
    server = Server(httpx.Response(401, json=plain), errors("NOT_AUTHENTICATED"), GOOD)

    found, pauses = answered(face, server, lambda asking: asking.ask(QUERY))

    assert (found.edges, pauses) == ((), [])
    assert server.tokens == ["token-1", "token-2", "token-3"]


@pytest.mark.parametrize(
    "answer", [errors("NOT_AUTHENTICATED"), errors("NOT_AUTHENTICATED", "", 401)]
)
def test_a_second_token_that_is_not_taken_is_the_last(face, answer):
    server = Server(answer, answer)

    with pytest.raises(RefusedError) as refusal:
        answered(face, server, lambda asking: asking.ask(QUERY))

    assert (refusal.value.code, server.tokens) == ("NOT_AUTHENTICATED", ["token-1", "token-2"])


def test_without_a_token_nothing_is_sent(face, monkeypatch):
    def nothing(_):
        raise NoTokenError("HTTP 401 invalid_client")

    monkeypatch.setattr(Bearer, "current", nothing)
    server = Server()

    with pytest.raises(NoTokenError):
        answered(face, server, lambda asking: asking.ask(QUERY))

    assert server.requests == []


def test_where_tokens_are_given_nobody_may_answer_for_a_moment(face, monkeypatch):
    said = [UnreachableError("down"), "token-9"]

    def current(_):
        found = said.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(Bearer, "current", current)
    server = Server(data(mintTokens=MINTED))

    _, pauses = answered(face, server, lambda asking: asking.ask(UNKEYED))

    assert (pauses, server.tokens) == ([1], ["token-9"])


def test_a_member_refused_is_an_error_with_its_code(face):
    refused = {"__typename": "Refused", "code": "NO_BILLING_DETAILS", "message": "State them."}
    server = Server(data(acceptOffer=refused))

    with pytest.raises(RefusedError) as refusal:
        answered(face, server, lambda asking: asking.ask(KEYED))

    assert (refusal.value.code, refusal.value.message) == ("NO_BILLING_DETAILS", "State them.")


def test_what_a_refusal_says_is_plain_and_short(face):
    server = Server(errors("<b>", "a\x1b[31mb" + "c" * 5_000))

    with pytest.raises(RefusedError) as refusal:
        answered(face, server, lambda asking: asking.ask(QUERY))

    assert refusal.value.code == "REFUSED"
    assert refusal.value.message == "a [31mb" + "c" * 1_993


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b'{"data": null}',
        b'{"data": {}}',
        b'{"data": {"licences": null}}',
        b'{"data": {"licences": {"edges": []}}}',
        b'{"data": {"licences": {"edges": [{}], "pageInfo": {"hasNextPage": 0, "endCursor": 1}}}}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_what_is_no_answer_is_refused_whole(face, body):
    server = Server(httpx.Response(200, content=body))

    with pytest.raises(NotUnderstoodError):
        answered(face, server, lambda asking: asking.ask(QUERY))

    assert len(server.requests) == 1


def test_an_answer_that_does_not_unpack_is_none(face):
    server = Packed()

    with pytest.raises(NotUnderstoodError, match="/graphql: it does not unpack"):
        answered(face, server, lambda asking: asking.ask(QUERY))

    assert len(server.requests) == 1


def test_a_long_answer_is_not_read_to_its_end(face, monkeypatch):
    monkeypatch.setattr("federation_client.retrying.ANSWER_BYTES_MAX", 10)
    server = Server(httpx.Response(200, content=b" " * 11))

    with pytest.raises(NotUnderstoodError, match="more than 10 bytes"):
        answered(face, server, lambda asking: asking.ask(QUERY))


def test_a_slow_answer_is_not_waited_for(face):
    del face  # both read by it
    now = iter([0.0, 120.0, 120.5])
    answer = Answer(lambda: next(now))
    answer.add(b"in time")

    with pytest.raises(httpx.ReadTimeout):
        answer.add(b"too late")
    assert answer.body() == b"in timetoo late"


def test_no_answer_is_asked_for_packed(face):
    server = Server(GOOD)

    answered(face, server, lambda asking: asking.ask(QUERY))

    [request] = server.requests
    assert request.headers["accept-encoding"] == "identity"
    assert (request.method, str(request.url)) == ("POST", "https://hub.example/graphql")
    assert server.asked == [{"query": questions.LICENCES, "variables": {"first": 1, "after": None}}]
