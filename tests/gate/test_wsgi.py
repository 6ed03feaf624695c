"""The gate before a WSGI application: the answers of the ASGI gate, every way to send a body."""

import io
import subprocess
import sys
from datetime import timedelta
from urllib.parse import unquote
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from federation.clock import system_clock
from federation.gate.refusals import SpoolError
from federation.gate.visits import VisitCounts
from federation.gate.wsgi import WsgiGate
from federation.signing.statuslist import Status
from tests.site.conftest import LINK

BOT = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
PERSON = "Mozilla/5.0 Firefox/140.0"
OK = ("200 OK", [("Content-Type", "text/plain")])


def environ(target="/news/a", *, method="GET", agent=BOT, host="pub.example", **headers):
    path, _, query = target.partition("?")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "RAW_URI": target,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.1",
        "HTTP_HOST": host,
        "HTTP_USER_AGENT": agent,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    } | {f"HTTP_{name}": value for name, value in headers.items()}


class Server:
    """A WSGI server that sends headers with the first part of a body, as PEP 3333 asks."""

    def __init__(self):
        self.status, self.headers, self.sent, self.parts = None, None, False, []

    def start_response(self, status, headers, exc_info=None):
        if exc_info and self.sent:
            raise exc_info[1]
        assert exc_info or self.status is None
        self.status, self.headers = status, headers
        return self.write

    def write(self, part):
        assert self.status is not None
        self.sent = self.sent or bool(part)
        self.parts.append(part)

    def ask(self, gate, request, *, parts_max=None):
        """Answer a request; with `parts_max` the client hangs up after so many parts."""
        answer = gate(request, self.start_response)
        try:
            for count, part in enumerate(answer):
                if count == parts_max:
                    break
                self.write(part)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        return self.status, dict(self.headers), b"".join(self.parts)


def make(site, app, **changes):
    return WsgiGate(app, site.make_gate(**changes).gate)


def page(_request, start_response):
    start_response(*OK)
    return [b"A ", b"page."]


class Parts:
    """A body that notes when it is closed."""

    def __init__(self, *parts):
        self._parts, self.closed = iter(parts), 0

    def __iter__(self):
        return self

    def __next__(self):
        part = next(self._parts)
        if isinstance(part, Exception):
            raise part
        return part

    def close(self):
        self.closed += 1


def of(parts):
    def app(_request, start_response):
        start_response(*OK)
        return parts

    return app


def wrong():
    """Return what went wrong, as `sys.exc_info` does."""
    error = LookupError()
    return type(error), error, None


def counted(site):
    return [(event.status, event.body_bytes) for event in site.events()]


REFUSED = {
    "no token": ({}, {}),
    "a malformed one": ({"AUTHORIZATION": "License a b"}, {}),
    "another method": ({"method": "POST"}, {}),
    "another host": ({"host": "evil.example"}, {}),
    "another address": ({"X_ORIGINAL_URL": "/b"}, {}),
    "outside its prefixes": ({"target": "/sport/a", "token": True}, {}),
    "a withheld work": ({"target": "/news/%61", "token": True}, {"optouts": True}),
    "another use": ({"token": True, "X_LICENCE_USE": "ai-train"}, {}),
    "a suspended licence": ({"token": True}, {"licences": {"HUB-000001": Status.SUSPENDED}}),
    "a revoked licence": ({"token": True}, {"licences": {"HUB-000001": Status.INVALID}}),
    "an old policy": ({"token": True, "later": True}, {}),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refusal_is_that_of_the_other_gate_byte_for_byte(site, name):
    request, policy = ({**each} for each in REFUSED[name])
    if policy.get("optouts"):
        policy["optouts"] = [("pub.example/news/a", "*", site.clock())]
    site.set_policy(**policy)
    if request.pop("token", False):
        request["AUTHORIZATION"] = f"License {site.token()}"
    if request.pop("later", False):
        site.later(hours=1)
    wanted = environ(**request)
    headers = [
        (key[5:].replace("_", "-"), value)
        for key, value in wanted.items()
        if key.startswith("HTTP_")
    ]

    status, said, body = Server().ask(make(site, page), wanted)

    other = await site.get(wanted["RAW_URI"], headers=headers, method=wanted["REQUEST_METHOD"])
    assert int(status[:3]) == other.status_code >= 400
    assert said == dict(other.headers)
    assert body == other.content
    assert (site.visits, site.events()) == ([], [])


async def test_a_licensed_page_is_that_of_the_other_gate_and_counted_alike(site):
    asked = environ("/news/%C3%A4?q=1", AUTHORIZATION=f"License {site.token()}")
    status, said, body = Server().ask(make(site, page), asked)
    other = await site.get("/news/%C3%A4?q=1", token=site.token(), headers=[("User-Agent", BOT)])

    assert (status, body) == ("200 OK", other.content)
    assert said == {"Content-Type": "text/plain", **other.headers}
    assert said["link"] == LINK
    first, second = site.events()
    assert first.event_id != second.event_id
    for field in set(first.__struct_fields__) - {"event_id"}:
        assert getattr(first, field) == getattr(second, field)


def test_people_pass_untouched(site):
    given = []

    def app(request, start_response):
        given.append((request, start_response))
        return page(request, start_response)

    request, server = environ(agent=PERSON, method="POST"), Server()
    assert server.ask(make(site, app), request) == (OK[0], dict(OK[1]), b"A page.")
    assert given == [(request, server.start_response)]
    assert "wsgi.file_wrapper" in given[0][0]


def licensed(site, **changes):
    return environ(AUTHORIZATION=f"License {site.token()}", **changes)


@pytest.mark.parametrize("is_raw_known", [True, False])
def test_no_page_of_a_mounted_application_is_a_reservation(site, is_raw_known):
    """It goes by PATH_INFO, whoever set SCRIPT_NAME."""
    asked = environ("/.well-known/a/premium/1")
    asked |= {"SCRIPT_NAME": "/.well-known/a", "PATH_INFO": "/premium/1"}
    if not is_raw_known:
        del asked["RAW_URI"]

    status, _, _ = Server().ask(make(site, page), asked)

    assert status == "401 Unauthorized"


def test_a_list_stays_one_part_whose_length_a_server_knows(site):
    server = Server()
    server.ask(make(site, page), licensed(site))

    assert (server.parts, counted(site)) == ([b"A page."], [(200, 7)])


def test_a_body_in_parts_is_passed_on_in_parts_closed_and_counted(site):
    parts, server = Parts(b"A ", b"", b"pa", b"ge."), Server()

    server.ask(make(site, of(parts)), licensed(site))

    assert (server.parts, parts.closed, counted(site)) == ([b"A ", b"pa", b"ge."], 1, [(200, 7)])


def test_nothing_leaves_before_it_is_recorded(site):
    seen = []

    class Watching(Server):
        def write(self, part):
            super().write(part)
            seen.append((part, len(site.events())))

    Watching().ask(make(site, of(Parts(b"A ", b"page."))), licensed(site))

    assert seen == [(b"A ", 0), (b"page.", 1)]


def test_an_application_may_start_its_answer_when_its_body_is_asked_for(site):
    def app(_request, start_response):
        start_response(*OK)
        yield b"A page."

    status, _, body = Server().ask(make(site, app), licensed(site))

    assert (status, body, counted(site)) == ("200 OK", b"A page.", [(200, 7)])


def test_what_is_written_the_old_way_is_counted(site):
    def app(_request, start_response):
        write = start_response(*OK)
        write(b"A ")
        write(b"pa")
        return [b"ge."]

    status, said, body = Server().ask(make(site, app), licensed(site))

    assert (status, said["link"], body) == ("200 OK", LINK, b"A page.")
    assert counted(site) == [(200, 7)]


def test_an_application_may_start_over_while_nothing_has_left(site):
    def app(_request, start_response):
        start_response(*OK)
        start_response("500 Oh", [("Content-Type", "text/html")], wrong())
        return [b"sorry"]

    status, _, body = Server().ask(make(site, app), licensed(site))

    assert (status, body, site.events()) == ("500 Oh", b"sorry", [])


def test_once_something_has_left_the_server_raises_what_went_wrong(site):
    def app(_request, start_response):
        start_response(*OK)
        yield b"A "
        yield b"pa"
        start_response("500 Oh", [], wrong())
        yield b"never"

    with pytest.raises(LookupError):
        Server().ask(make(site, app), licensed(site))
    assert counted(site) == [(200, 2)]


def test_to_start_twice_without_a_reason_is_a_mistake(site):
    def app(_request, start_response):
        start_response(*OK)
        start_response(*OK)

    with pytest.raises(AssertionError):
        Server().ask(make(site, app), licensed(site))


def test_a_client_that_hangs_up_is_counted_for_what_it_took(site):
    parts = Parts(b"A ", b"pa", b"ge.")

    Server().ask(make(site, of(parts)), licensed(site), parts_max=1)

    assert (parts.closed, counted(site)) == (1, [(200, 4)])


def test_what_nobody_takes_any_more_is_neither_counted_nor_passed_on(site):
    """A server that goes on with the body tells it on the side."""
    gone = iter((False, False, True, True))
    request = licensed(site) | {"waitress.client_disconnected": lambda: next(gone)}

    _, _, body = Server().ask(make(site, of(Parts(b"A ", b"pa", b"ge", b"."))), request)

    assert (body, counted(site)) == (b"A pa", [(200, 4)])


def test_a_client_that_hangs_up_at_once_took_nothing_and_the_body_is_closed(site):
    parts = Parts(b"A page.")
    make(site, of(parts))(licensed(site), Server().start_response).close()

    assert (parts.closed, site.events()) == (1, [])


def test_an_application_that_breaks_off_is_counted_for_what_left(site):
    parts = Parts(b"A ", b"pa", LookupError())

    with pytest.raises(LookupError):
        Server().ask(make(site, of(parts)), licensed(site))

    assert (parts.closed, counted(site)) == (1, [(200, 2)])


def test_an_answer_to_head_has_no_body_and_does_not_count(site):
    parts, server = Parts(b"A ", b"page."), Server()

    status, said, body = server.ask(make(site, of(parts)), licensed(site, method="HEAD"))

    assert (status, said["link"], body) == ("200 OK", LINK, b"")
    assert (parts.closed, site.events()) == (1, [])
    refused = Server().ask(make(site, page), environ(method="HEAD"))
    assert (refused[0], refused[2]) == ("401 Unauthorized", b"")
    assert int(refused[1]["content-length"]) > 0


def test_no_server_sends_a_file_past_the_count(site):
    def app(request, start_response):
        start_response(*OK)
        return request.get("wsgi.file_wrapper", FileWrapper)(io.BytesIO(b"A page."))

    request = licensed(site) | {"wsgi.file_wrapper": None}
    assert Server().ask(make(site, app), request)[2] == b"A page."
    assert counted(site) == [(200, 7)]


@pytest.mark.parametrize("body", [[b"A page."], Parts(b"A page.")])
def test_what_cannot_be_recorded_is_not_served(site, monkeypatch, body):
    def full(_event):
        raise SpoolError("No space left on device")

    monkeypatch.setattr(site.spool, "append", full)
    status, said, answered = Server().ask(make(site, of(body)), licensed(site))

    assert (status, said["retry-after"]) == ("503 Service Unavailable", "60")
    assert b'"USAGE_NOT_RECORDED"' in answered
    assert b"page" not in answered


def test_a_body_that_has_begun_breaks_off_where_it_cannot_be_recorded(site, monkeypatch):
    def full(_event):
        raise SpoolError("No space left on device")

    monkeypatch.setattr(site.spool, "append", full)
    server = Server()
    with pytest.raises(SpoolError):
        server.ask(make(site, of(Parts(b"A ", b"page."))), licensed(site))

    assert server.parts == [b"A "]


def test_without_the_target_as_sent_the_plain_spelling_counts(site):
    request = licensed(site, target="/news/a%20b%C3%A4")
    del request["RAW_URI"]

    assert Server().ask(make(site, page), request)[0] == "200 OK"
    assert [event.url for event in site.events()] == ["https://pub.example/news/a%20b%C3%A4"]


@pytest.mark.parametrize("agent", [BOT, PERSON])
@pytest.mark.parametrize("is_licensed", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_both_sides_are_wsgi_to_the_letter(site, agent, is_licensed, method):
    def app(request, start_response):
        start_response(*OK)
        return [b"A page."] if request["REQUEST_METHOD"] == "GET" else []

    make_environ = licensed if is_licensed else (lambda _site, **rest: environ(**rest))
    gate = validator(make(site, validator(app)))

    status, _, _ = Server().ask(gate, make_environ(site, agent=agent, method=method))

    assert status in {"200 OK", "401 Unauthorized"}


def test_a_site_that_observes_serves_and_says_what_it_would_refuse(site):
    gate = make(site, page, mode="observe")

    status, said, body = Server().ask(gate, environ())
    served = Server().ask(gate, licensed(site))

    assert (status, body) == ("200 OK", b"A page.")
    assert (said["x-rsl-status"], said["x-rsl-reason"]) == ("token_required", "licence_required")
    assert (served[0], counted(site)) == ("200 OK", [(200, 7)])
    assert "x-rsl-status" not in served[1]
    site.clock.instant += timedelta(hours=1)
    assert Server().ask(gate, licensed(site))[1]["x-rsl-reason"] == "policy_unavailable"


COUNTED = """
import sys
from pathlib import Path
from federation.clock import system_clock
from federation.gate.gate import Gate, GateConfig
from federation.gate.nonces import NonceStore
from federation.gate.spool import Spool
from federation.gate.visits import VisitCounts
from federation.gate.wsgi import WsgiGate

folder = Path(sys.argv[1])
visits = VisitCounts(folder / "visits.json", system_clock)
config = GateConfig(
    policy=None,
    spool=Spool(folder / "spool"),
    nonces=NonceStore(folder / "nonces.sqlite"),
    origins=["https://pub.example"],
    visits=visits,
)
gate = WsgiGate(None, Gate(config))
visits.licensed("GPTBot", is_counted=True)
sys.exit()
"""


def test_a_process_that_ends_in_order_leaves_what_it_counted_on_disk(tmp_path):
    subprocess.run([sys.executable, "-c", COUNTED, str(tmp_path)], check=True)

    _, [found] = VisitCounts(tmp_path / "visits.json", system_clock).untold()
    assert (found.agent, found.outcome, found.count) == ("GPTBot", "SERVED", 1)
