"""What a server counts and writes down of requests: route and outcome, not who asked."""

import pytest
from structlog.testing import capture_logs

from federation.counters import Counters, exposition
from federation.edge.access_log import PATH_LENGTH_MAX, AccessLog


async def answering(scope, receive, send):
    """Answer as an application does that knows one route, and fails on another."""
    del receive
    if scope["path"] == "/broken":
        raise RuntimeError("a defect")
    is_known = scope["path"].startswith("/works/")
    if is_known:
        scope["path_template"] = "/works/{work:str}"
    await send({"type": "http.response.start", "status": 200 if is_known else 404})
    await send({"type": "http.response.body", "body": b"four", "more_body": True})
    await send({"type": "http.response.body"})


async def asked(path, method="GET", *, is_written=True):
    """Return the lines that a request leaves, and what is counted, as Prometheus reads it."""
    counters, times = Counters(), iter([2.0, 2.25])
    logged = AccessLog(answering, counters, is_written=is_written, monotonic=lambda: next(times))
    scope = {"type": "http", "method": method, "path": path, "query_string": b"token=secret"}
    sent = []

    async def send(message):
        sent.append(message)

    with capture_logs() as lines:
        try:
            await logged(scope, None, send)
        except RuntimeError:
            sent = None
    counted = [
        line
        for line in exposition(counters, {}).decode().splitlines()
        if line.startswith("federation_http_requests_total")
    ]
    return lines, counted, sent


async def test_a_request_leaves_a_line_without_who_asked_and_what_for():
    lines, counted, sent = await asked("/works/w-1")

    assert lines == [
        {
            "event": "request",
            "log_level": "info",
            "method": "GET",
            "path": "/works/w-1",
            "status": 200,
            "bytes": 4,
            "ms": 250,
        }
    ]
    assert counted == [
        'federation_http_requests_total{method="GET",route="/works/{work:str}",status="200"} 1.0'
    ]
    assert [message["type"] for message in sent] == [
        "http.response.start",
        "http.response.body",
        "http.response.body",
    ]


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/none", "GET", 404), ("/broken", "BREW", 499)]
)
async def test_what_strangers_choose_makes_no_series(path, method, status):
    lines, counted, _ = await asked(path, method)

    name = "GET" if method == "GET" else "(other)"
    assert counted == [
        f'federation_http_requests_total{{method="{name}",route="(other)",status="{status}"}} 1.0'
    ]
    assert (lines[0]["path"], lines[0]["status"]) == (path, status)


async def test_a_long_path_is_cut_and_nothing_is_written_where_it_is_not_wanted():
    long = await asked(f"/works/{'x' * 9_000}")
    unwanted = await asked("/works/w-1", is_written=False)

    assert [len(line["path"]) for line in long[0]] == [PATH_LENGTH_MAX]
    assert (unwanted[0], len(unwanted[1])) == ([], 1)
