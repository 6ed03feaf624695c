"""One question to one node: within its deadline, shared, few at once, not to one that is down."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256

import msgspec
import pytest

from federation.federated.asking import (
    BREAKER_OPEN,
    ERROR,
    PAGES_MAX,
    REFUSED,
    TIMEOUT,
    TOO_LONG,
    Asker,
    CallError,
    Node,
    Question,
    TooManyPagesError,
    too_late,
)
from federation.federated.lines import AT_ONCE_MAX, KNOWN_MAX, TIMED_MIN
from federation.federated.wire import DEADLINE_HEADER, DEADLINE_MS, ON_BEHALF_OF_HEADER, OnBehalfOf

DE, FR = (Node(code, f"https://{code}", f"https://{code}") for code in ("DE", "FR"))
DOWN = CallError(ERROR, "NO_ANSWER", "down")


def a_question(number=0, on_behalf_of=OnBehalfOf.SIGNED_IN):
    return Question("{ x }", {"n": number}, on_behalf_of)


class Line:
    """A wire to nodes: each request waits until it is answered here, or is answered at once."""

    def __init__(self, at_once=None):
        self.time, self.at_once = 100.0, at_once
        self.waiting: list[asyncio.Future[bytes]] = []
        self.sent: list[tuple[str, dict[str, str], bytes]] = []
        self.took, self.lost = 0.0, False
        self.alarms: list[tuple[float, asyncio.Future[None]]] = []
        self.asker = Asker(self.call, lambda: self.time, self.wait)

    async def call(self, node, body, headers, *, seconds, bytes_max):
        del seconds, bytes_max
        self.sent.append((node.code, headers, body))
        if self.lost and b'"query"' not in body:
            self.lost = False
            raise CallError(ERROR, "DOCUMENT_NOT_KNOWN", node.code)
        if self.at_once is not None:
            self.time += self.took
            if isinstance(self.at_once, CallError):
                raise self.at_once
            return self.at_once
        answer = asyncio.get_running_loop().create_future()
        self.waiting.append(answer)
        return await answer

    async def wait(self, task, seconds):
        alarm = asyncio.get_running_loop().create_future()
        self.alarms.append((self.time + seconds, alarm))
        if not seconds:
            alarm.set_result(None)
        await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)

    async def pass_time(self, seconds):
        """Let everybody begin, then let time pass, and whoever waits no longer go."""
        await self.settle()
        self.time += seconds
        for at, alarm in self.alarms:
            if at <= self.time and not alarm.done():
                alarm.set_result(None)
        await self.settle()

    async def settle(self):
        """Let everybody go on until they wait for something that does not come by itself."""
        for _ in range(50):
            await asyncio.sleep(0)

    def ask(self, node=DE, question=None, seconds=60.0):
        return self.asker.ask(
            node, question or a_question(), deadline=self.time + seconds, bytes_max=9
        )

    async def until(self, condition: Callable[[], bool]):
        for _ in range(10_000):
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError("it does not come about")


async def state_of(asked):
    try:
        await asked
    except CallError as error:
        return error.state
    return "OK"


async def test_a_node_is_told_on_whose_behalf_and_how_long_somebody_waits():
    line = Line(b"{}")
    assert await line.ask(seconds=0.5) == b"{}"
    await line.ask(question=a_question(on_behalf_of=OnBehalfOf.PARTNER), seconds=1.0)

    [(code, first, body), (_, second, _)] = line.sent
    assert (code, first) == ("DE", {ON_BEHALF_OF_HEADER: "signed-in", DEADLINE_HEADER: "480"})
    assert second == {ON_BEHALF_OF_HEADER: "partner", DEADLINE_HEADER: "980"}
    assert msgspec.json.decode(body) == {
        "query": "{ x }",
        "documentId": f"sha256:{sha256(b'{ x }').hexdigest()}",
        "variables": {"n": 0},
    }


async def test_a_document_is_sent_once_and_again_to_a_node_that_lost_it():
    line = Line(b"{}")
    await line.ask()
    await line.ask(question=a_question(1))
    await line.ask(node=FR)
    line.lost = True
    await line.ask(question=a_question(2))
    await line.ask(question=a_question(3))

    whole = [("query" in msgspec.json.decode(body)) for _, _, body in line.sent]
    assert whole == [True, False, True, False, True, False]


async def test_of_the_documents_a_node_has_the_last_are_remembered():
    line = Line(b"{}")
    for number in range(KNOWN_MAX + 1):
        await line.ask(question=Question(f"{{ x{number} }}", {}, OnBehalfOf.PARTNER))
    for number in (KNOWN_MAX, 0):
        await line.ask(question=Question(f"{{ x{number} }}", {}, OnBehalfOf.PARTNER))

    whole = [("query" in msgspec.json.decode(body)) for _, _, body in line.sent[-2:]]
    assert whole == [False, True]


async def test_whoever_asks_the_same_at_the_same_time_shares_one_request():
    line = Line()
    same = [asyncio.ensure_future(line.ask()) for _ in range(3)]
    others = [
        asyncio.ensure_future(line.ask(question=a_question(1))),
        asyncio.ensure_future(line.ask(question=a_question(on_behalf_of=OnBehalfOf.PARTNER))),
        asyncio.ensure_future(line.ask(node=FR)),
    ]
    await line.until(lambda: len(line.waiting) == 4)
    for number, answer in enumerate(line.waiting):
        answer.set_result(b"%d" % number)

    assert await asyncio.gather(*same) == [b"0"] * 3
    assert await asyncio.gather(*others) == [b"1", b"2", b"3"]
    line.at_once = b"later"
    assert await line.ask() == b"later"


async def test_one_who_gives_up_leaves_the_others_their_answer_and_the_last_ends_the_request():
    line = Line()
    first, second = (asyncio.ensure_future(line.ask()) for _ in range(2))
    await line.until(lambda: len(line.waiting) == 1)
    first.cancel()
    await asyncio.wait([first])
    assert not line.waiting[0].cancelled()

    second.cancel()
    await asyncio.wait([second])
    await line.until(line.waiting[0].cancelled)


async def test_who_joins_a_request_of_somebody_with_less_time_has_his_own():
    line = Line()
    short = asyncio.ensure_future(state_of(line.ask(seconds=0.05)))
    await line.settle()
    long, same = (asyncio.ensure_future(line.ask(seconds=1.0)) for _ in range(2))
    await line.settle()
    assert len(line.sent) == 2
    assert len(line.asker._flights) == 1
    await line.pass_time(0.05)
    assert await short == TIMEOUT

    nearly = asyncio.ensure_future(line.ask(seconds=1.0))  # 50 ms after the one that it joins
    shorter = asyncio.ensure_future(line.ask(seconds=0.1))
    await line.settle()
    line.waiting[1].set_result(b"{}")
    assert await asyncio.gather(long, same, nearly, shorter) == [b"{}"] * 4
    assert len(line.sent) == 2
    assert line.asker._flights == {}


async def test_who_reads_more_than_another_has_a_request_of_his_own():
    line = Line()
    asked = [
        asyncio.ensure_future(
            line.asker.ask(DE, a_question(), deadline=line.time + 1, bytes_max=most)
        )
        for most in (9, 10, 9)
    ]
    await line.settle()
    assert len(line.sent) == 2

    for number, answer in enumerate(line.waiting):
        answer.set_result(b"%d" % number)
    assert await asyncio.gather(*asked) == [b"0", b"1", b"0"]


async def test_nobody_joins_a_request_that_was_given_up():
    line = Line()
    first = asyncio.ensure_future(line.ask())
    await line.settle()
    first.cancel()
    await asyncio.sleep(0)
    second = asyncio.ensure_future(line.ask())
    await line.settle()
    line.waiting[1].set_result(b"{}")

    assert await second == b"{}"


async def test_a_deadline_that_is_over_is_waited_for_no_longer():
    line = Line()
    assert await state_of(line.ask(seconds=0.0)) == TIMEOUT
    assert await state_of(line.ask(seconds=0.02)) == TIMEOUT  # it takes as long to be sent
    assert line.sent == []

    asked = asyncio.ensure_future(state_of(line.ask(seconds=0.03)))
    await line.pass_time(0.029)
    assert not asked.done()
    await line.pass_time(0.001)
    assert await asked == TIMEOUT
    assert line.waiting[0].cancelled()


async def test_a_node_that_failed_five_times_is_left_alone_then_tried_once():
    line = Line(DOWN)
    states = []
    for number in range(7):
        line.time += 1
        states.append(await state_of(line.ask(question=a_question(number))))
    assert states == [ERROR] * 5 + [BREAKER_OPEN] * 2
    assert await state_of(line.ask(node=FR)) == ERROR  # of others nothing is known by that

    line.time += 5
    line.at_once = None
    probe = asyncio.ensure_future(line.ask())
    await line.until(lambda: len(line.waiting) == 1)
    assert await state_of(line.ask(question=a_question(1))) == BREAKER_OPEN
    line.waiting[0].set_exception(DOWN)
    assert await state_of(probe) == ERROR
    assert await state_of(line.ask()) == BREAKER_OPEN

    line.time += 60
    line.at_once = DOWN
    assert [await state_of(line.ask()) for _ in range(2)] == [ERROR, BREAKER_OPEN]
    line.time += 5
    line.at_once = b"{}"
    assert [await state_of(line.ask()) for _ in range(2)] == ["OK", "OK"]


async def unanswered(line, seconds, count):
    """Ask so often, one after the other, and wait each time until the deadline is over."""
    states = []
    for number in range(count):
        asked = asyncio.ensure_future(
            state_of(line.ask(question=a_question(number), seconds=seconds))
        )
        await line.pass_time(seconds)
        states.append(await asked)
    return states


async def test_who_waits_for_less_than_most_closes_the_line_for_nobody():
    line = Line()
    assert await unanswered(line, 0.05, 40) == [TIMEOUT] * 40
    assert len(line.sent) == 40

    line.at_once = too_late()  # it stops when it was told to, before the hub does
    states = [await state_of(line.ask(question=a_question(n), seconds=0.05)) for n in range(40)]
    assert states == [TIMEOUT] * 40
    line.at_once = b""
    assert await state_of(line.ask()) == "OK"


async def test_a_node_that_says_nothing_for_as_long_as_most_wait_is_left_alone():
    line = Line()
    assert await unanswered(line, DEADLINE_MS / 1000, 5) == [TIMEOUT] * 5
    assert await state_of(line.ask()) == BREAKER_OPEN


async def test_who_waits_for_a_place_was_not_sent_and_that_is_no_failure_of_the_node():
    line = Line()
    held = [asyncio.ensure_future(line.ask(question=a_question(n))) for n in range(AT_ONCE_MAX)]
    await line.settle()
    queued = [
        asyncio.ensure_future(state_of(line.ask(question=a_question(100 + n), seconds=1.0)))
        for n in range(20)
    ]
    await line.pass_time(1.0)
    assert await asyncio.gather(*queued) == [TIMEOUT] * 20
    assert len(line.sent) == AT_ONCE_MAX

    for answer in line.waiting:
        answer.set_result(b"")
    assert await asyncio.gather(*held) == [b""] * AT_ONCE_MAX
    line.at_once = b""
    assert await state_of(line.ask()) == "OK"


async def test_what_was_sent_late_is_measured_from_when_it_was_sent():
    line = Line()
    held = [asyncio.ensure_future(line.ask(question=a_question(n))) for n in range(AT_ONCE_MAX)]
    await line.settle()
    queued = [
        asyncio.ensure_future(state_of(line.ask(question=a_question(100 + n), seconds=1.0)))
        for n in range(AT_ONCE_MAX)
    ]
    await line.pass_time(0.9)
    for answer in line.waiting:
        answer.set_result(b"")
    await asyncio.gather(*held)
    await line.pass_time(0.1)
    assert await asyncio.gather(*queued) == [TIMEOUT] * AT_ONCE_MAX
    assert len(line.sent) == 2 * AT_ONCE_MAX

    line.at_once = b""
    assert await state_of(line.ask()) == "OK"


async def test_failures_that_are_far_apart_are_no_reason():
    line, states = Line(DOWN), []
    for number in range(12):
        line.time += 2.6
        states.append(await state_of(line.ask(question=a_question(number))))

    assert states == [ERROR] * 12


async def test_a_probe_whose_asker_went_away_says_nothing_of_the_node():
    line = Line(DOWN)
    for number in range(5):
        await state_of(line.ask(question=a_question(number)))
    line.time += 5
    line.at_once = None
    probe = asyncio.ensure_future(line.ask())
    await line.until(lambda: len(line.waiting) == 1)
    probe.cancel()
    await asyncio.wait([probe])
    await line.until(line.waiting[0].cancelled)
    line.at_once = b"{}"

    assert await state_of(line.ask()) == "OK"


async def test_so_many_requests_are_with_one_node_at_once():
    line = Line()
    asked = [asyncio.ensure_future(line.ask(question=a_question(number))) for number in range(20)]
    other = asyncio.ensure_future(line.ask(node=FR))
    await line.until(lambda: len(line.waiting) == AT_ONCE_MAX + 1)
    assert [code for code, *_ in line.sent].count("DE") == AT_ONCE_MAX

    for number in range(21):
        await line.until(lambda number=number: len(line.waiting) > number)
        line.waiting[number].set_result(b"")
    await asyncio.gather(*asked, other)
    assert len(line.sent) == 21


async def used_to(line, seconds):
    """Let a node answer as often as it takes to know how long it takes."""
    line.at_once, line.took = b"", seconds
    for number in range(TIMED_MIN):
        await line.ask(question=a_question(number))
    line.at_once, line.took = None, 0.0
    line.sent.clear()


async def test_where_an_answer_takes_unusually_long_a_second_request_is_sent():
    line = Line()
    await used_to(line, 0.001)
    asked = asyncio.ensure_future(line.ask())
    await line.pass_time(0.009)
    assert len(line.waiting) == 1
    await line.pass_time(0.001)
    line.waiting[1].set_result(b"second")

    assert await asked == b"second"
    assert line.waiting[0].cancelled()
    assert len(line.sent) == 2


async def test_a_second_request_takes_a_place_and_only_one_that_is_free():
    line = Line()
    await used_to(line, 0.001)
    asked = [asyncio.ensure_future(line.ask(question=a_question(n))) for n in range(AT_ONCE_MAX)]
    await line.pass_time(0.01)
    assert len(line.waiting) == AT_ONCE_MAX
    for answer in line.waiting:
        answer.set_result(b"")
    await asyncio.gather(*asked)

    line.waiting.clear()
    asked = [asyncio.ensure_future(line.ask())]
    await line.pass_time(0.01)
    assert len(line.waiting) == 2
    asked += [asyncio.ensure_future(line.ask(question=a_question(n))) for n in range(1, 6)]
    await line.settle()
    assert len(line.waiting) == AT_ONCE_MAX
    line.waiting[0].set_result(b"")
    await line.settle()
    assert len(line.waiting) == AT_ONCE_MAX + 1  # both places are free again
    for answer in line.waiting[2:]:
        answer.set_result(b"")
    assert await asyncio.gather(*asked) == [b""] * 6
    assert line.asker._lines["DE"].places._value == AT_ONCE_MAX


class Clinging(Line):
    """A wire whose requests take time to end when nobody waits for them any more."""

    async def call(self, *question, **limits):
        try:
            return await super().call(*question, **limits)
        except asyncio.CancelledError:
            await asyncio.get_running_loop().create_future()
            raise


async def test_who_gives_up_while_the_slower_request_ends_has_given_up():
    line = Clinging()
    await used_to(line, 0.001)
    asked = asyncio.ensure_future(line.ask())
    await line.pass_time(0.01)
    line.waiting[1].set_result(b"second")
    [flight] = line.asker._flights.values()
    await line.settle()
    assert not flight.task.done()

    asked.cancel()
    await line.settle()
    assert flight.task.cancelled()
    assert len(line.asker._lines["DE"].seconds) == TIMED_MIN


async def test_of_two_requests_the_one_that_fails_is_no_answer():
    line = Line()
    await used_to(line, 0.001)
    asked = asyncio.ensure_future(line.ask())
    await line.pass_time(0.01)
    line.waiting[1].set_exception(DOWN)
    await line.settle()
    line.waiting[0].set_result(b"first")

    assert await asked == b"first"


async def test_one_in_twenty_is_asked_twice_at_most():
    line = Line()
    await used_to(line, 0.001)
    for number in range(2):
        asked = asyncio.ensure_future(line.ask(question=a_question(number)))
        await line.pass_time(0.01)
        line.waiting[-1].set_result(b"")
        await asked

    known = line.asker._lines["DE"]
    assert (known.asked, known.hedged, known.patience()) == (22, 2, None)
    line.at_once = b""
    for number in range(19):
        assert known.patience() is None, number
        await line.ask()
    assert known.patience() is not None  # two of 41


def test_so_many_pages_are_put_together_for_one_caller_at_once():
    asker = Line().asker
    with ExitStack() as stack:
        for _ in range(PAGES_MAX):
            stack.enter_context(asker.page_for("lab"))
        stack.enter_context(asker.page_for("other"))
        with pytest.raises(TooManyPagesError), asker.page_for("lab"):
            raise AssertionError("begun")
    with asker.page_for("lab"):
        pass


async def test_what_is_known_of_a_node_goes_with_it():
    line = Line(DOWN)
    for number in range(6):
        await state_of(line.ask(question=a_question(number)))
    assert await state_of(line.ask()) == BREAKER_OPEN
    line.asker.keep(["FR"])

    assert await state_of(line.ask()) == ERROR


@pytest.mark.parametrize("code", [TOO_LONG, REFUSED])
async def test_a_question_that_no_node_can_answer_closes_no_line(code):
    line = Line(CallError(ERROR, code, "as whoever asks wrote it"))
    states = [await state_of(line.ask(question=a_question(number))) for number in range(10)]

    assert states == [ERROR] * 10


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_a_failure_of_ours_closes_no_line(error):
    line = Line()
    for number in range(6):
        asked = asyncio.ensure_future(line.ask(question=a_question(number)))
        await line.until(lambda number=number: len(line.waiting) > number)
        line.waiting[number].set_exception(error())
        with pytest.raises(error):
            await asked
    line.at_once = b""

    assert await state_of(line.ask()) == "OK"


async def test_a_question_that_is_not_shared_is_sent_for_itself():
    line = Line()
    question = a_question()._replace(is_shared=False)
    asked = [asyncio.ensure_future(line.ask(question=one)) for one in (a_question(), question)]
    asked.append(asyncio.ensure_future(line.ask(question=a_question())))
    await line.until(lambda: len(line.waiting) == 2)
    line.waiting[0].set_result(b"before")
    line.waiting[1].set_result(b"now")

    assert await asyncio.gather(*asked) == [b"before", b"now", b"before"]


@pytest.mark.parametrize(("seconds", "state"), [(0.799, TIMEOUT), (0.801, BREAKER_OPEN)])
async def test_who_gives_less_than_most_closes_a_node_to_nobody(seconds, state):
    line = Line(CallError(TIMEOUT, "DEADLINE_OVER", "late"))
    line.took = 0.1
    states = [await state_of(line.ask(question=a_question(n), seconds=seconds)) for n in range(6)]

    assert states == [TIMEOUT] * 5 + [state]
