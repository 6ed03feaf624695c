"""`federation doctor`: look at one server from its own machine, say what is wrong and helps."""

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal

import aiohttp
import msgspec

from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.errors import RefusalError
from federation.store import inbox, outbox, voices
from federation.store.database import Database
from federation.store.migrations import require_migrated
from federation.store.sessions import ReadSession
from federation.trust import own_keys, store
from federation.trust.key_life import is_old
from federation.trust.key_secret import get_secret
from federation.wording import counted

State = Literal["ok", "warning", "wrong"]
FREE_BYTES_MIN: Final = 512 * 1024 * 1024
OUTBOX_AGE_MAX: Final = timedelta(minutes=15)
CLOCK_SECONDS_MAX: Final = 30
PEER_SECONDS: Final = 5.0
NAMED_MAX: Final = 5  # servers in one line


class Seen(msgspec.Struct, frozen=True):
    """One thing that was looked at: how it is, in words, and what to do where it is not well."""

    check: str
    state: State
    said: str
    advice: str = ""


async def examine(config: HubConfig | NodeConfig, clock: Clock) -> list[Seen]:
    """Look at everything; what cannot be looked at because of another is left out.

    The configuration was read by then. Nothing is written, and the server may be running.
    """
    seen = [Seen("configuration", "ok", config.entity_id), _disk(config.data_dir)]
    database = Database(config.database_url, clock=clock)
    try:
        try:
            await require_migrated(database)
        except RefusalError as refusal:
            advice = "federation db upgrade" if refusal.code == "NOT_MIGRATED" else "see the line"
            return [*seen, Seen("database", "wrong", refusal.message, advice)]
        seen.append(Seen("database", "ok", "it answers, at the revision of this code"))
        async with database.read() as session:
            seen += [each async for each in _kept(session, config, clock())]
            peers = {party.code: party.url for party in await store.parties(session)}
    finally:
        await database.close()
    if isinstance(config, NodeConfig):
        peers = {"HUB": config.hub.url}
    return [*seen, *await _peers(peers, clock)]


def _disk(folder: Path) -> Seen:
    if not folder.is_dir():
        return Seen("disk", "wrong", f"{folder} is not there", "start the server once, or name it")
    free = shutil.disk_usage(folder).free
    said = f"{free // 2**20} MiB are free at {folder}"
    open_files = [f.name for f in folder.glob("*.secret") if f.stat().st_mode & stat.S_IRWXO]
    if open_files:
        return Seen("disk", "wrong", f"everybody may read {open_files[0]}", "chmod 600")
    if free < FREE_BYTES_MIN:
        return Seen("disk", "wrong", said, "make room: without it nothing can be written")
    return Seen("disk", "ok", said)


async def _kept(
    session: ReadSession, config: HubConfig | NodeConfig, now: datetime
) -> AsyncIterator[Seen]:
    """Look at what the database holds: keys, what waits for others, what of others waits."""
    try:
        await own_keys.find_ring(session, get_secret(config))
        old = [
            row.kid
            for row in await store.own_keys(session)
            if row.state == "ACTIVE" and is_old(own_keys.life_of(row), now)
        ]
        advice = "change them: docs/keys.md" if old else ""
        said = f"{len(old)} of them older than advised" if old else "they can be used"
        yield Seen("keys", "warning" if old else "ok", said, advice)
    except RefusalError as refusal:
        yield Seen("keys", "wrong", refusal.message, "docs/keys.md: the secret is kept apart")
    yield await _voice(session)
    waiting = await outbox.backlog(session)
    oldest = min((since for *_, since in waiting), default=now)
    count = sum(number for _, _, number, _ in waiting)
    is_late = now - oldest > OUTBOX_AGE_MAX
    said = f"{counted(count, 'message')} wait, the oldest since {oldest:%Y-%m-%d %H:%M} UTC"
    advice = "`federation deliveries list` says why; ask who runs the other server"
    yield Seen(
        "outbox",
        "warning" if is_late else "ok",
        said if count else "nothing waits",
        advice if is_late else "",
    )
    parked = sum((await inbox.waiting(session)).values())
    said = f"{counted(parked, 'message')} of other servers could not be handled"
    advice = "the work-list names them: retry, or drop as two people"
    yield Seen("parked", "warning", said, advice) if parked else Seen("parked", "ok", "none")


async def _voice(session: ReadSession) -> Seen:
    """Say whether others heard another database speak for this server."""
    row = await voices.find_own(session)
    others = [] if row is None else voices.refused_by(row)
    if row is None or not others:
        return Seen("voice", "ok", "nobody heard another database speak for this server")
    said = f"{', '.join(others[:NAMED_MAX])} heard another database speak for this server"
    advice = "docs/operate.md: find it, end it, and `federation voice claim` at the right one"
    if row.silenced_at is None:
        return Seen("voice", "warning", said, advice)
    since = f"{row.silenced_at:%Y-%m-%d %H:%M} UTC"
    return Seen("voice", "wrong", f"{said}; this one is silent since {since}", advice)


async def _peers(peers: dict[str, str], clock: Clock) -> list[Seen]:
    """Ask every other server whether it lives, all at once, and compare its clock with ours."""
    timeout = aiohttp.ClientTimeout(total=PEER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        return list(
            await asyncio.gather(*(_peer(http, code, url, clock) for code, url in peers.items()))
        )


async def _peer(http: aiohttp.ClientSession, code: str, url: str, clock: Clock) -> Seen:
    name = f"peer {code}"
    try:
        async with http.get(f"{url}/health/live", allow_redirects=False) as answer:
            theirs = answer.headers.get("Date", "")
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        said = f"{url} does not answer: {str(error) or type(error).__name__}"
        return Seen(name, "wrong", said, "ask who runs it; is the address right?")
    if status != 200:  # noqa: PLR2004
        return Seen(name, "wrong", f"{url} answers {status}", "is it a server of the federation?")
    apart = _apart(theirs, clock)
    if apart is not None and apart > CLOCK_SECONDS_MAX:
        return Seen(name, "wrong", f"the clocks are {apart} s apart", "set this machine's (NTP)")
    return Seen(name, "ok", f"{url} answers")


def _apart(date: str, clock: Clock) -> int | None:
    """Return how many seconds a header's instant is from ours; None for what is none."""
    try:
        return abs(int((parsedate_to_datetime(date) - clock()).total_seconds()))
    except (TypeError, ValueError):
        return None


def as_text(seen: list[Seen]) -> str:
    """Return a line for each thing, and what to do below it."""
    lines = []
    for each in seen:
        lines.append(f"{each.state:<8}{each.check:<14}{each.said}")
        if each.advice:
            lines.append(f"{'':<22}-> {each.advice}")
    return "\n".join(lines)


def as_json(seen: list[Seen]) -> str:
    """Return what was seen, for programs."""
    is_well = all(each.state != "wrong" for each in seen)
    return msgspec.json.encode({"well": is_well, "checks": seen}).decode()
