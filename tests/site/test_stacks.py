"""Every stack gives every request the answer of one table, and counts each served page once."""

import json
import queue
import shutil
import signal
import socket
import threading
import time
from collections import Counter

import pytest

from tests.kit.javascript import has_node
from tests.site.corpus import request_table
from tests.site.stacks.node import a_node
from tests.site.stacks.runner import STACKS, TABLE, Server, run
from tests.site.stacks.tokens import bearer, filled, signed

BOT = [("host", "pub.example"), ("user-agent", "GPTBot/1.2")]
SECONDS_MAX = 60.0
SAME_GATE = ["asgi", "wsgi", "flask", "django", "fastapi", "workers"]  # node shows as much
QUICK = {"asgi", "node"}  # one of each gate answers the table in make test; the others in test-all


def is_here(stack):
    """What a stack needs is installed; of Node one that the kit is for."""
    return stack.is_here() and (stack.command[0] != "node" or has_node())


def stacks(*, slow=(), lacking=None, more=None):
    """Run a test for each stack that does not lack something.

    For those named `slow` only where all is run: others show as much.
    """
    return pytest.mark.parametrize(
        "stack",
        [
            pytest.param(
                stack,
                id=name,
                marks=[
                    pytest.mark.skipif(not is_here(stack), reason="not installed"),
                    *([pytest.mark.slow] if name in slow else []),
                ],
            )
            for name, stack in {**STACKS, **(more or {})}.items()
            if lacking not in stack.lacks
        ],
    )


def test_the_table_is_what_its_script_makes():
    assert json.loads(TABLE.read_text("utf-8")) == json.loads(json.dumps(request_table.table()))


def test_the_table_names_each_case_once():
    names = [case["name"] for case in request_table.table()["cases"]]

    assert max(Counter(names).values()) == 1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
        for name, stack in STACKS.items()
        if is_here(stack)
    ],
)
def test_a_stack_answers_and_counts_as_the_table_says(name):
    assert run(name) == []


@pytest.fixture
def make_server(tmp_path):
    """A function that starts a server; all share one folder and one node."""
    with a_node() as node:
        made = []

        def make(stack):
            server = Server(stack, tmp_path, node, "plain")
            made.append(server)
            server.start()
            server.wait()
            return server

        yield make
        for server in made:
            server.stop()


def read(server, page):
    answer = server.ask("GET", page, [*BOT, ("authorization", f"License {bearer()}")])
    assert answer.status == 200
    return page


def crawl(server, pages, taken):
    """Read pages until the server is gone; say which came whole."""
    try:
        for page in pages:
            taken.put(read(server, page))
    except OSError:
        return


def pages_of(lines):
    """The pages of some lines, whose ids are each another's."""
    assert len({line["event_id"] for line in lines}) == len(lines)
    return Counter(line["url"].removeprefix("https://pub.example") for line in lines)


def soon(is_so):
    """Wait until something is so."""
    end = time.monotonic() + SECONDS_MAX
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


# Its workers are forked from a process that has the gate already, and share one spool.
TWO_WORKERS = STACKS["django"]._replace(
    command=["env", "WEB_CONCURRENCY=2", *STACKS["django"].command]
)


@stacks(slow=[*SAME_GATE, "nginx", "two workers"], more={"two workers": TWO_WORKERS})
def test_what_a_killed_server_delivered_is_counted_once(make_server, stack, tmp_path):
    """Four crawlers read; it is killed in the middle, and its node's first receipt is lost."""
    server, taken = make_server(stack), queue.Queue()
    asked = [[f"/news/{crawler}-{page}/stream" for page in range(500)] for crawler in range(4)]
    crawlers = [threading.Thread(target=crawl, args=(server, pages, taken)) for pages in asked]
    for crawler in crawlers:
        crawler.start()
    delivered = [taken.get(timeout=SECONDS_MAX) for _ in range(40)]
    server.stop(signal.SIGKILL)
    for crawler in crawlers:
        crawler.join()
    delivered += [taken.get() for _ in range(taken.qsize())]

    server.node.answers_lost = 1
    again = make_server(stack)
    delivered.append(read(again, "/news/after"))
    if "spool" in stack.lacks:  # it was in the log only, and is sent after the next start
        again.stop()
        again = make_server(stack)
    soon(lambda: server.node.attempts >= 1)  # another worker may have tried again by then
    again.stop()
    last = make_server(stack)
    soon(lambda: not list((tmp_path / "state" / "spool").glob("*.batch")))
    last.stop()

    counted = pages_of(last.lines())
    assert {page: counted[page] for page in delivered} == dict.fromkeys(delivered, 1)
    # Of a page that was under way its line may be written already; four were at most.
    under_way = counted - Counter(delivered)
    assert under_way.total() <= 4
    assert under_way.keys() <= {page for pages in asked for page in pages}
    assert server.node.attempts > len(server.node.batches)


@stacks(slow=SAME_GATE, lacking="siblings")
def test_a_signed_request_is_served_by_one_process_of_a_site(make_server, stack):
    first, second = make_server(stack), make_server(stack)
    headers = filled([*BOT, ("authorization", "License {bound}")])
    sent = signed({}, "GET", "/news/a", headers)

    found = [server.ask("GET", "/news/a", sent).status for server in (first, second, first)]

    assert found == [200, 401, 401]


@stacks(slow=SAME_GATE, lacking="siblings")
def test_a_living_process_goes_on_beside_one_that_takes_up_what_was_left(make_server, stack):
    first = make_server(stack)
    read(first, "/news/1")
    second = make_server(stack)
    read(second, "/news/2")
    read(first, "/news/3")

    first.stop(signal.SIGKILL)
    third = make_server(stack)
    soon(lambda: len(third.node.lines()) >= 2)
    read(second, "/news/4")
    second.stop()
    third.stop()

    assert pages_of(third.lines()) == Counter(f"/news/{page}" for page in range(1, 5))


@stacks(slow=SAME_GATE, lacking="hang-ups")
def test_an_answer_that_breaks_off_is_counted_for_what_was_taken(make_server, stack):
    server = make_server(stack)
    sent = [*BOT, ("authorization", f"License {bearer()}")]
    lines = ["GET /news/long HTTP/1.1", *(f"{name}: {value}" for name, value in sent), "", ""]
    with socket.create_connection(("127.0.0.1", server.port), SECONDS_MAX) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 200")

    soon(lambda: len(server.lines()) == 1)
    [line] = server.lines()
    assert (line["url"], line["status"]) == ("https://pub.example/news/long", 200)
    assert 0 < line["bytes"] < 256 * 65536


@stacks(slow=SAME_GATE, lacking="spool")
def test_what_cannot_be_recorded_is_not_served(make_server, stack, tmp_path):
    server = make_server(stack)
    shutil.rmtree(tmp_path / "state" / "spool")
    (tmp_path / "state" / "spool").touch()

    refused = server.ask("GET", "/news/a", [*BOT, ("authorization", f"License {bearer()}")])

    detail = "The site cannot record usage, so it serves none. (its directory cannot be written)"
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")
    assert refused.headers.get("x-page") is None
    assert json.loads(refused.body) == {
        "error": "server_error",
        "code": "USAGE_NOT_RECORDED",
        "detail": detail,
        "buy_at": "https://hub.example/buy",
    }
    assert read_as_a_person(server) == b"A page.\n"


@pytest.mark.skipif(not is_here(STACKS["django"]), reason="not installed")
def test_gunicorn_takes_no_address_from_a_header_past_the_gate(make_server):
    """It believes SCRIPT_NAME of whoever comes from loopback, and the application goes by it."""
    server = make_server(STACKS["django"])
    path = "/.well-known/a/news/a"

    for name in ("SCRIPT_NAME", "PATH_INFO", "Script-Name", "X-Script-Name"):
        refused = server.ask("GET", path, [*BOT, (name, "/.well-known/a")])
        read_without = server.ask("GET", path, BOT)

        code = json.loads(refused.body)["code"]
        assert (name, refused.status, code) == (name, 400, "AMBIGUOUS_REQUEST")
        assert refused.headers.get("x-page") is None
        assert (read_without.status, read_without.body) == (200, b"A page.\n")
    assert server.lines() == []


def read_as_a_person(server):
    person = ("user-agent", "Mozilla/5.0 Firefox/140.0")
    return server.ask("GET", "/news/a", [("host", "pub.example"), person]).body
