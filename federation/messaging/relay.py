"""The relay: carries the outbox to other servers, in order, for as long as it takes."""

import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain

import msgspec

from federation.logs import get_logger
from federation.messaging.inbox import Delivered
from federation.messaging.peers import DELIVERY_SECONDS, PeerAnswerError, PeerClient
from federation.messaging.receipts import Receipt, Receipts, Taken, nothing
from federation.server import Server
from federation.store import outbox
from federation.store.tables import Lease, OutboxMessage

MESSAGES_MAX = 50
TARGETS_READ, LITTLE_BYTES = 40, 64 * 1024  # at a time, and what of each is read with the others
BYTES_MAX = 16 * 1024 * 1024
LEASE_SECONDS = 5.0  # a guard against needless work only: the inbox makes effects happen once
BACK_OFF_MAX = 30.0
IDLE_SECONDS = 5.0
log = get_logger("relay")

Resolve = Callable[[str], Awaitable[str | None]]


class Relay:
    """One per server process; a lease per target keeps two processes from racing."""

    def __init__(
        self, server: Server, peers: PeerClient, resolve: Resolve, taken: Taken = nothing
    ) -> None:
        self._server, self._peers, self._resolve = server, peers, resolve
        self._receipts = Receipts(server, taken)
        self._wake = asyncio.Event()
        self._owner = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._passed_over: set[str] = set()  # had mail while they were busy
        self._not_before: dict[str, tuple[float, int]] = {}
        self._held_up: dict[str, dict[str, tuple[float, int]]] = {}  # {target: {stream: …}}
        self._quiet: dict[str, float] = {}  # nothing but streams that wait: until when
        self._seen: dict[str, int] = {}  # how many messages waited for a target when last looked
        self._leased_until: dict[str, float] = {}

    def wake(self) -> None:
        """Look at the outbox now instead of at the next turn."""
        self._wake.set()

    def hurry(self) -> None:
        """Deliver now to every target, also to those that are in back-off after a failure."""
        self._not_before.clear()
        self._held_up.clear()
        self._quiet.clear()
        self.wake()

    async def run(self) -> None:
        """Deliver what waits, target by target, until cancelled."""
        _here.add(self._owner)
        try:
            while True:
                self._wake.clear()
                try:
                    await self._start_drains()
                except Exception:
                    log.exception("the outbox was not looked at")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):  # wait_for may lose a cancel
                        await self._wake.wait()
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)
            _here.discard(self._owner)
            await self._release()

    async def _release(self) -> None:
        """Give our leases up: who starts here next need not wait for their end."""
        if not self._leased_until:
            return
        async with self._server.db.write("relay.release") as session:
            for target in self._leased_until:
                lease = await session.get(Lease, f"relay:{target}")
                if lease is not None and lease.owner == self._owner:
                    lease.expires = 0.0
        self._leased_until.clear()

    def _pause(self) -> float:
        """Return how long to sleep unless woken: until the next back-off is over."""
        now = time.monotonic()
        later = [
            when - now for target, (when, _) in self._not_before.items() if target not in self._busy
        ]
        later += [when - now for held in self._held_up.values() for when, _ in held.values()]
        return min([IDLE_SECONDS, *(max(wait, 0.01) for wait in later)])

    async def _start_drains(self) -> None:
        async with self._server.db.read() as session:
            targets = await outbox.targets_waiting(session)
        now = time.monotonic()
        for kept in (self._not_before, self._held_up, self._quiet, self._seen):
            for target in kept.keys() - targets.keys():
                del kept[target]  # nothing waits there any more
        due = [target for target in sorted(targets) if self._is_due(target, targets[target], now)]
        leased = await self._leased(due)
        for begin in range(0, len(leased), TARGETS_READ):
            group = leased[begin : begin + TARGETS_READ]
            first = await self._first(group)
            for target in group:
                task = asyncio.create_task(self._drain(target, first.get(target, ())))
                self._busy[target] = task
                task.add_done_callback(partial(self._drained, target))

    async def _first(self, targets: Sequence[str]) -> dict[str, list[OutboxMessage]]:
        """Read what waits for many targets at once; only of those for which it is little.

        What goes to all of a federation is one message for each: read one at a time, that costs
        more than to send it.
        """
        free = [target for target in targets if target not in self._held_up]
        if len(free) < 2:  # noqa: PLR2004 - many
            return {}
        async with self._server.db.read() as session:
            waiting = await outbox.waiting_for_each(session, free, MESSAGES_MAX)
            little = [sizes for sizes in waiting.values() if sum(sizes.values()) <= LITTLE_BYTES]
            messages = await outbox.messages(session, chain.from_iterable(little))
        found: dict[str, list[OutboxMessage]] = {}
        for message in messages:
            found.setdefault(message.target, []).append(message)
        return found

    def _is_due(self, target: str, waiting: int, now: float) -> bool:
        """Tell whether to deliver to a target now; one that is busy is looked at again."""
        if target in self._busy:
            self._passed_over.add(target)
            return False
        is_new = self._seen.get(target) != waiting
        self._seen[target] = waiting
        if self._not_before.get(target, (0.0, 0))[0] > now:
            return False
        return self._quiet.pop(target, 0.0) <= now or is_new

    def _drained(self, target: str, _: asyncio.Task[None]) -> None:
        """Look again if a message may have come meanwhile, or a back-off shortens the pause."""
        self._busy.pop(target, None)
        if target in self._passed_over or target in self._not_before or target in self._quiet:
            self._passed_over.discard(target)
            self._wake.set()

    async def _drain(self, target: str, first: Sequence[OutboxMessage]) -> None:
        """Deliver all that waits; `first` is that, where it was read already."""
        try:
            goes_on = not first or await self._deliver(target, first, is_more=False)
            while goes_on:
                goes_on = await self._deliver_some(target)
        except Exception:
            log.exception("delivery failed", target=target)
            self._back_off(target)

    async def _leased(self, targets: Collection[str]) -> list[str]:
        """Hold targets for a while, all by one transaction; return those that nobody else holds."""
        now = time.monotonic()
        short = [t for t in targets if self._leased_until.get(t, 0.0) <= now + LEASE_SECONDS / 2]
        try:
            theirs = await self._take_leases(short, now) if short else frozenset[str]()
        except Exception:
            log.exception("no target is held", targets=len(short))
            for target in short:
                self._back_off(target)
            return [target for target in targets if target not in short]
        return [target for target in targets if target not in theirs]

    async def _take_leases(self, targets: Iterable[str], now: float) -> Collection[str]:
        """Take leases, and return of which targets another process has them.

        A lease from before a reboot of the machine counts nothing.
        """
        theirs = set[str]()
        async with self._server.db.write("relay.lease") as session:
            for target in targets:
                lease = await session.get(Lease, f"relay:{target}")
                if lease is None:
                    lease = Lease(name=f"relay:{target}", owner="", expires=0.0)
                    session.add(lease)
                is_theirs = lease.owner != self._owner and not _is_gone(lease.owner)
                if is_theirs and now < lease.expires <= now + LEASE_SECONDS:
                    self._not_before[target] = (lease.expires, 0)
                    theirs.add(target)
                else:
                    lease.owner, lease.expires = self._owner, now + LEASE_SECONDS
        self._leased_until |= dict.fromkeys(set(targets) - theirs, now + LEASE_SECONDS)
        return theirs

    async def _deliver_some(self, target: str) -> bool:
        """Deliver the next messages; True when there may be more."""
        now = time.monotonic()
        held_up = [s for s, (when, _) in self._held_up.get(target, {}).items() if when > now]
        async with self._server.db.read() as session:
            sizes = await outbox.waiting(session, target, MESSAGES_MAX, leave_out=held_up)
            fitting = _within(sizes)
            messages = await outbox.messages(session, fitting)
        if not messages:
            if held_up:
                self._quiet[target] = min(when for when, _ in self._held_up[target].values())
            return False
        is_more = len(sizes) == MESSAGES_MAX or len(fitting) < len(sizes)
        return await self._deliver(target, messages, is_more=is_more)

    async def _deliver(
        self, target: str, messages: Sequence[OutboxMessage], *, is_more: bool
    ) -> bool:
        """Deliver messages; True when there may be more."""
        try:
            url = await self._url(target)
            answer = await self._peers.post(
                target, f"{url}/federation/inbox", _encoded(messages), seconds=DELIVERY_SECONDS
            )
            delivered = msgspec.json.decode(answer, type=Delivered)
        except (PeerAnswerError, msgspec.MsgspecError) as error:
            await self._failed(target, messages[0], str(error))
            return False
        if not await self._record(target, messages, delivered):
            return False
        return is_more or bool(delivered.not_taken)

    async def _record(
        self, target: str, messages: Sequence[OutboxMessage], delivered: Delivered
    ) -> bool:
        """Keep what was taken of which stream, and wait with those that were not.

        False where the answer says nothing of what was sent.
        """
        first = {message.stream: message.sequence for message in reversed(messages)}
        last = {message.stream: message.sequence for message in messages}
        taken = {
            stream: min(number, last[stream])
            for stream, number in delivered.up_to.items()
            if stream in first and number >= first[stream]
        }
        refused = {name: why for name, why in delivered.not_taken.items() if name in last}
        if not taken and not refused:
            await self._failed(target, messages[0], "nothing was taken, and nothing said why")
            return False
        if taken:
            spans = {stream: (first[stream], number) for stream, number in taken.items()}
            await self._receipts.keep(Receipt(target, spans))
            self._not_before.pop(target, None)
        for stream, why in refused.items():
            left = [m for m in messages if m.stream == stream and m.sequence > taken.get(stream, 0)]
            await self._not_taken(target, (left or messages)[0], f"{why.code}: {why.message}")
        for stream in taken.keys() - refused.keys():
            self._held_up.get(target, {}).pop(stream, None)
        return True

    async def _url(self, target: str) -> str:
        """Return where a target is; asked each time, since servers move."""
        url = await self._resolve(target)
        if url is None:
            raise PeerAnswerError("address unknown")
        return url

    async def _failed(self, target: str, message: OutboxMessage, error: str) -> None:
        log.info("not delivered", target=target, kind=message.kind, reason=error[:200])
        async with self._server.db.write("relay.failed") as session:
            await outbox.mark_failed(session, message_id=message.id, error=error)
        self._back_off(target)

    async def _not_taken(self, target: str, message: OutboxMessage, error: str) -> None:
        """Wait with one stream; the others of the target go on."""
        log.info("not taken", target=target, stream=message.stream, reason=error[:200])
        async with self._server.db.write("relay.failed") as session:
            await outbox.mark_failed(session, message_id=message.id, error=error)
        held_up = self._held_up.setdefault(target, {})
        _, failures = held_up.get(message.stream, (0.0, 0))
        held_up[message.stream] = (time.monotonic() + _wait(failures), failures + 1)

    def _back_off(self, target: str) -> None:
        _, failures = self._not_before.get(target, (0.0, 0))
        self._not_before[target] = (time.monotonic() + _wait(failures), failures + 1)


def _wait(failures: int) -> float:
    """Return how many seconds to wait after so many failures before this one."""
    return min(BACK_OFF_MAX, 0.1 * float(1 << min(failures, 20)))


_here: set[str] = set()  # the relays that run in this process


def _is_gone(owner: str) -> bool:
    """Tell whether a relay of this machine ended without giving its leases up: it was killed."""
    process = owner.partition("-")[0]
    if not process.isdigit() or sys.platform == "win32":  # there, asking would end the process
        return False
    if int(process) == os.getpid():
        return owner not in _here
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


AROUND_BYTES = 512  # more than stream, number and kind take beside the body of a message


def _within(sizes: Mapping[int, int]) -> list[int]:
    """Return the first of {message: bytes of its body} that fit one delivery, at least one."""
    size = 0
    taken: list[int] = []
    for message, length in sizes.items():
        size += length + AROUND_BYTES
        if taken and size > BYTES_MAX:
            break
        taken.append(message)
    return taken


def _encoded(messages: Sequence[OutboxMessage]) -> bytes:
    return msgspec.json.encode(
        [
            {
                "stream": item.stream,
                "sequence": item.sequence,
                "kind": item.kind,
                "body": msgspec.Raw(item.body),
            }
            for item in messages
        ]
    )
