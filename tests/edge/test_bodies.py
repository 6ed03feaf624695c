"""Bodies are read within limits of bytes and time, few at once per sender, large ones from disk."""

import asyncio
import gzip
from contextlib import AsyncExitStack
from types import SimpleNamespace

import pytest

from federation.edge import bodies
from federation.edge.bodies import (
    AT_ONCE_MAX,
    IN_MEMORY_MAX,
    LARGE_AT_ONCE_MAX,
    Bodies,
    BodyLimit,
    BodyTooLargeError,
    SlowBodyError,
    TooManyBodiesError,
)
from federation.edge.doors import address_of

LIMIT = BodyLimit(4 * IN_MEMORY_MAX, seconds=60)
CHUNK = b"x" * 65_536


class Upload:
    """A request whose body comes in chunks; after them it stalls, or ends."""

    def __init__(self, *chunks, stalls=False, **headers):
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._chunks, self._stalls = chunks, stalls
        self.asked, self.at_the_end = 0, asyncio.Event()

    async def stream(self):
        for chunk in self._chunks:
            self.asked += 1
            yield chunk
        self.at_the_end.set()
        if self._stalls:
            await asyncio.Event().wait()


async def whole(reader, upload, sender="lab", limit=LIMIT):
    async with reader.read(upload, sender, limit) as body:
        return body


async def test_a_body_comes_as_it_was_sent_whether_it_waited_in_memory_or_on_disk(tmp_path):
    reader = Bodies(tmp_path)

    assert await whole(reader, Upload(b"a", b"b")) == b"ab"
    assert await whole(reader, Upload(*[CHUNK] * 20)) == CHUNK * 20
    assert list(tmp_path.iterdir()) == []


async def test_a_body_that_stalls_is_refused_and_its_place_is_free_again(tmp_path, monkeypatch):
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.01)
    reader = Bodies(tmp_path)

    for _ in range(LARGE_AT_ONCE_MAX + 1):
        with pytest.raises(SlowBodyError):
            await whole(reader, Upload(*[CHUNK] * 20, stalls=True))

    assert list(tmp_path.iterdir()) == []


async def test_a_body_that_never_ends_is_refused_when_its_time_is_over(tmp_path):
    limit = BodyLimit(IN_MEMORY_MAX, seconds=0.01)
    with pytest.raises(SlowBodyError):
        await whole(Bodies(tmp_path), Upload(b"x", stalls=True), limit=limit)


async def test_a_body_announced_too_large_is_refused_before_a_byte_of_it_is_asked_for(tmp_path):
    upload = Upload(CHUNK, content_length=str(LIMIT.bytes_max + 1))
    with pytest.raises(BodyTooLargeError):
        await whole(Bodies(tmp_path), upload)

    assert upload.asked == 0


async def test_a_body_may_come_to_its_limit_and_no_byte_further(tmp_path):
    limit, reader = BodyLimit(100, seconds=60), Bodies(tmp_path)
    packed = [gzip.compress(b"x" * size) for size in (100, 101)]

    assert await whole(reader, Upload(b"x" * 100), limit=limit) == b"x" * 100
    with pytest.raises(BodyTooLargeError):
        await whole(reader, Upload(b"x" * 100, b"x"), limit=limit)
    upload = Upload(packed[0], content_encoding="gzip")
    assert await whole(reader, upload, limit=limit) == b"x" * 100
    with pytest.raises(BodyTooLargeError):
        await whole(reader, Upload(packed[1], content_encoding="gzip"), limit=limit)


async def test_one_senders_stalled_uploads_keep_out_its_own_only(tmp_path):
    reader = Bodies(tmp_path)
    stalled = [Upload(*[CHUNK] * 20, stalls=True) for _ in range(LARGE_AT_ONCE_MAX)]
    tasks = [asyncio.create_task(whole(reader, upload, "hostile")) for upload in stalled]
    await asyncio.gather(*(upload.at_the_end.wait() for upload in stalled))

    with pytest.raises(TooManyBodiesError) as refusal:
        await whole(reader, Upload(*[CHUNK] * 20), "hostile")
    assert refusal.value.retry_after == 1
    assert await whole(reader, Upload(b"small"), "hostile") == b"small"
    assert await whole(reader, Upload(*[CHUNK] * 20), "honest") == CHUNK * 20

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await whole(reader, Upload(*[CHUNK] * 20), "hostile") == CHUNK * 20


async def test_small_bodies_of_one_sender_count_for_as_long_as_they_are_handled(tmp_path):
    reader = Bodies(tmp_path)
    async with AsyncExitStack() as handled:
        for _ in range(AT_ONCE_MAX):
            upload = Upload(*[CHUNK] * 8)
            assert await handled.enter_async_context(reader.read(upload, "busy", LIMIT))
        refused = Upload(b"small")
        with pytest.raises(TooManyBodiesError) as refusal:
            await whole(reader, refused, "busy")
        assert refusal.value.detail == "at most 64"
        assert refused.asked == 0
        assert await whole(reader, Upload(b"small"), "other") == b"small"

    assert await whole(reader, Upload(b"small"), "busy") == b"small"


async def test_a_body_that_breaks_its_handler_gives_its_place_back(tmp_path):
    reader = Bodies(tmp_path)
    for _ in range(AT_ONCE_MAX + 1):
        with pytest.raises(ZeroDivisionError):
            async with reader.read(Upload(b"small"), "lab", LIMIT):
                raise ZeroDivisionError


async def test_a_large_body_that_is_handled_holds_up_no_other_that_fits_beside_it(tmp_path):
    reader = Bodies(tmp_path)
    async with reader.read(Upload(*[CHUNK] * 20), "slow", LIMIT), asyncio.timeout(30):
        assert await whole(reader, Upload(*[CHUNK] * 20), "other") == CHUNK * 20
        assert await whole(reader, Upload(*[CHUNK] * 20), "slow") == CHUNK * 20


async def test_large_bodies_are_in_memory_within_the_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(bodies, "READ_BYTES_MAX", 2 * 20 * len(CHUNK))
    reader = Bodies(tmp_path)
    second = Upload(*[CHUNK] * 20)
    async with reader.read(Upload(*[CHUNK] * 20), "one", LIMIT):
        task = asyncio.create_task(whole(reader, second, "other"))
        await second.at_the_end.wait()
        assert await whole(reader, Upload(b"small"), "third") == b"small"
        assert not task.done()

    assert await task == CHUNK * 20


async def test_rows_of_short_texts_cost_what_they_are_read_into(tmp_path, monkeypatch):
    size = 20 * len(CHUNK)
    monkeypatch.setattr(bodies, "READ_BYTES_MAX", 4 * size)
    reader = Bodies(tmp_path)
    rows = Upload(*[b'"",' * (len(CHUNK) // 3)] * 20)
    async with reader.read(rows, "rows", LIMIT):
        other = Upload(*[CHUNK] * 20)
        task = asyncio.create_task(whole(reader, other, "other"))
        await other.at_the_end.wait()
        await asyncio.sleep(0)
        assert not task.done()

    assert await task == CHUNK * 20


async def test_large_bodies_that_wait_for_their_turn_keep_their_senders_places(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(bodies, "READ_BYTES_MAX", 1)
    reader = Bodies(tmp_path)
    async with reader.read(Upload(*[CHUNK] * 20), "honest", LIMIT):
        waiting = [Upload(*[CHUNK] * 20) for _ in range(LARGE_AT_ONCE_MAX)]
        tasks = [asyncio.create_task(whole(reader, upload, "hostile")) for upload in waiting]
        await asyncio.gather(*(upload.at_the_end.wait() for upload in waiting))

        with pytest.raises(TooManyBodiesError):
            await asyncio.wait_for(whole(reader, Upload(*[CHUNK] * 20), "hostile"), 5)
        assert await whole(reader, Upload(b"small"), "hostile") == b"small"

    assert await asyncio.gather(*tasks) == [CHUNK * 20] * LARGE_AT_ONCE_MAX


def test_an_address_is_an_ipv4_address_or_a_subscribers_ipv6_network():
    def name(host):
        return address_of(SimpleNamespace(client=SimpleNamespace(host=host)), 0)

    assert name("192.0.2.7") == "192.0.2.7"
    assert name("2001:db8:1:2:3::4") == name("2001:db8:1:2::9") == "2001:db8:1:2::/64"
