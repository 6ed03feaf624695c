"""Reporting to a node that is slow, down, or of another opinion. Time is a number in a list."""

import pytest

from federation.access.bearers import ClientBearer, ClientCredential, GivenBearer
from federation.access.wire import Answer, UnreachableError
from federation.site.reporter import Reporter
from tests.seconds import Seconds

DOWN = "down"


class Node:
    """A node that answers as told, and notes every call."""

    def __init__(self):
        self.answers = []
        self.calls = []

    def __call__(self, call):
        self.calls.append(call)
        answer = self.answers.pop(0) if self.answers else 202
        if answer == DOWN:
            raise UnreachableError("refused")
        return Answer(answer, {}, b'{"code": "TOO_MANY_LINES"}')


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def time():
    return Seconds()


@pytest.fixture
def reporter(site, node, time):
    bearer = GivenBearer(lambda: "site-secret")
    url = "https://node-xx.example/"
    return Reporter(site.spool, node=url, bearer=bearer, fetch=node, monotonic=time)


async def serve(site, count=1):
    for _ in range(count):
        assert (await site.get(token=site.token())).status_code == 200


async def test_without_a_token_a_batch_waits(site, node, time, caplog):
    await serve(site)
    url = "https://node-xx.example"
    bearer = ClientBearer(ClientCredential(client_id="c", secret="s"), server=url, fetch=node)
    reporter = Reporter(site.spool, node=url, bearer=bearer, fetch=node, monotonic=time)
    node.answers = [401]

    assert reporter.tick() == 0
    [line] = [record.getMessage() for record in caplog.records if "usage batch" in record.msg]
    assert "waits: NO_TOKEN: " in line
    assert len(node.calls) == 1
    assert site.spool.batches()


async def test_a_batch_that_is_not_taken_is_logged_with_the_code_that_says_why(
    site, node, reporter, caplog
):
    await serve(site)
    node.answers = [422]

    assert reporter.tick() == 0
    [line] = [record.getMessage() for record in caplog.records if "usage batch" in record.msg]
    assert line.endswith("was answered HTTP 422 TOO_MANY_LINES")


async def test_a_batch_is_posted_as_lines_with_its_id_and_deleted(site, node, reporter):
    await serve(site, 2)

    assert reporter.tick() == 1
    [call] = node.calls
    assert (call.method, call.url) == ("POST", "https://node-xx.example/usage")
    assert call.headers["Authorization"] == "Bearer site-secret"
    assert call.headers["Content-Type"] == "application/x-ndjson"
    assert len(call.headers["Idempotency-Key"]) == 45
    assert call.body.count(b"\n") == 2
    assert site.spool.batches() == []


async def test_with_nothing_to_report_nothing_is_sent(node, reporter):
    assert (reporter.tick(), node.calls) == (0, [])


@pytest.mark.parametrize("answer", [DOWN, 302, 401, 429, 500, 503])
async def test_a_batch_is_sent_again_byte_for_byte_until_the_node_takes_it(
    site, node, reporter, time, answer
):
    node.answers = [answer] * 12
    for _ in range(13):
        await serve(site)
        reporter.tick()
        time.now += 300

    first = [call for call in node.calls if call.body == node.calls[0].body]
    assert len(first) == 13
    assert len({call.headers["Idempotency-Key"] for call in first}) == 1
    taken = {call.headers["Idempotency-Key"]: call.body for call in node.calls[12:]}
    assert b"".join(taken.values()).count(b"\n") == 13
    assert site.spool.batches() == []


async def test_the_back_off_doubles_and_is_capped_and_success_ends_it(site, node, reporter, time):
    node.answers = [DOWN] * 11
    await serve(site)
    tried = []
    for second in range(2000):
        time.now = 1000.0 + second
        before = len(node.calls)
        reporter.tick()
        if len(node.calls) > before:
            tried.append(second)

    assert tried == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111]
    await serve(site)
    assert reporter.tick() == 1


async def test_while_the_node_is_down_no_small_batches_pile_up(site, node, reporter, time):
    node.answers = [DOWN]
    for _ in range(5):
        await serve(site)
        reporter.tick()
    time.now += 1

    assert reporter.tick() == 2
    assert [call.body.count(b"\n") for call in node.calls] == [1, 1, 4]


@pytest.mark.parametrize("answer", [400, 409, 413, 422])
async def test_a_refused_batch_stays_and_does_not_hold_up_the_next(
    site, node, reporter, time, answer
):
    node.answers = [answer]
    await serve(site)
    reporter.tick()
    await serve(site)

    assert reporter.tick() == 1
    assert len(site.spool.batches()) == 1
    time.now += 1
    assert reporter.tick() == 1
    assert site.spool.batches() == []


async def test_a_worker_leaves_sending_to_the_one_that_sends(site, node, reporter):
    await serve(site)
    with site.spool.sending():
        assert reporter.tick() == 0

    assert node.calls == []
