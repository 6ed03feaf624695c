"""What is kept fresh: renewed early and by chance earlier, by one request, in no hurry."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from federation.access.kept import Awaited, Fresh, Kept, Pace
from federation.access.wire import UnreachableError
from federation.errors import LaterError, RefusalError
from tests.seconds import Seconds


class OverError(RefusalError):
    """It is over."""


class Source:
    """Gives 1, 2, 3 and so on, each for 600 seconds, or refuses as told."""

    def __init__(self):
        self.count, self.refusal = 0, None
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self):
        self.hold.wait(5)
        self.count += 1
        if self.refusal is not None:
            raise self.refusal
        return Fresh(self.count, 600)


@pytest.fixture
def time():
    return Seconds()


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def make(source, time):
    def kept(chance=0.0):
        return Kept(source, what="number", over=(OverError,), pace=Pace(time, lambda: chance))

    return kept


@pytest.mark.parametrize(("chance", "renewed_after"), [(0.0, 500), (0.5, 450), (1.0, 400)])
async def test_the_next_one_is_fetched_between_four_and_five_sixths_of_a_life(
    make, time, chance, renewed_after
):
    kept = make(chance)
    assert kept.current() == 1

    time.now += renewed_after - 0.01
    assert kept.current() == 1
    time.now += 0.02
    assert kept.current() == 2


async def test_whoever_asks_meanwhile_waits_for_the_one_request(make, source):
    kept = Awaited(make())
    source.hold.clear()
    asked = [asyncio.create_task(kept.current()) for _ in range(50)]
    await asyncio.sleep(0)
    source.hold.set()

    assert await asyncio.gather(*asked) == [1] * 50
    assert source.count == 1


def test_threads_that_ask_at_once_make_one_request(make, source):
    kept = make()
    source.hold.clear()
    with ThreadPoolExecutor(5) as threads:
        asked = [threads.submit(kept.current) for _ in range(5)]
        source.hold.set()

    assert [each.result() for each in asked] == [1] * 5
    assert source.count == 1


async def test_a_refusal_reaches_whoever_waits(make, source):
    kept = Awaited(make())
    source.refusal = RefusalError("down")

    for _ in range(2):
        with pytest.raises(RefusalError, match="down"):
            await kept.current()
    assert source.count == 1


async def test_a_slow_renewal_keeps_nobody_waiting_while_the_held_one_lives(make, source, time):
    kept = Awaited(make())
    await kept.current()
    time.now += 599
    source.hold.clear()
    renewing = asyncio.create_task(kept.current())
    await asyncio.sleep(0)
    others = [asyncio.create_task(kept.current()) for _ in range(3)]
    await asyncio.sleep(0)
    assert [task.done() and task.result() for task in others] == [1, 1, 1]

    time.now += 1  # it has ended
    late = asyncio.create_task(kept.current())
    await asyncio.sleep(0)
    assert not late.done()
    source.hold.set()
    assert await asyncio.gather(renewing, late) == [2, 2]


async def test_one_who_stops_waiting_takes_it_from_nobody(make, source):
    kept = Awaited(make())
    source.hold.clear()
    first, second = (asyncio.create_task(kept.current()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    source.hold.set()

    assert await second == 1


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [(UnreachableError(), [0, 1, 3, 5, 7]), (RefusalError(), [0, 1, 3, 7, 15])],
    ids=["unanswered", "refused"],
)
def test_who_asks_in_rounds_pauses_little_after_no_answer(source, time, refusal, seconds):
    kept = Kept(source, what="number", pace=Pace(time, unanswered_max=2))
    source.refusal = refusal
    begun, asked = time.now, []
    while len(asked) < 5:
        before = source.count
        with pytest.raises(RefusalError):
            kept.current()
        if source.count > before:
            asked.append(time.now - begun)
        time.now += 1

    assert asked == seconds


async def test_in_a_pause_the_same_refusal_is_raised_without_asking(make, source, time):
    kept = make()
    source.refusal = RefusalError("down")

    for _ in range(3):
        with pytest.raises(RefusalError, match="down"):
            kept.current()
    assert source.count == 1

    source.refusal = None
    time.now += 1
    assert kept.current() == 2


async def test_it_waits_as_long_as_it_is_told_and_five_minutes_at_most(make, source, time):
    for asked, waits in ((40, 40), (3_600, 300)):
        kept = make()
        source.refusal = LaterError("busy", retry_after=asked)
        with pytest.raises(LaterError):
            kept.current()
        source.refusal = None
        time.now += waits - 1
        with pytest.raises(LaterError):
            kept.current()
        time.now += 1
        assert kept.current() == source.count


async def test_the_last_one_serves_while_there_is_no_next_one_unless_it_is_over(make, source, time):
    kept = make()
    kept.current()
    source.refusal = RefusalError("down")
    time.now += 500
    assert kept.current() == 1

    source.refusal = OverError("for good")
    time.now += 1
    with pytest.raises(OverError):
        kept.current()


async def test_one_that_is_doubted_is_fetched_again_once_a_minute(make, source, time):
    kept = make()
    kept.current()
    for _ in range(240):
        kept.doubt()
        kept.current()
        time.now += 0.5

    assert source.count == 2
    source.refusal = RefusalError("down")
    time.now += 60
    kept.doubt()
    assert kept.current() == 2


def test_what_is_held_is_not_shown(make):
    kept = make()
    kept.current()

    assert "value" not in repr(kept._held)
