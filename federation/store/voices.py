"""Which of two databases speaks for a server: what one says of itself, and what was heard last.

A server's *voice* is the epoch of its database, which a restore begins, the number of its start in
that epoch, and a word drawn at that start. Each start counts on from the database. So a copy that
is started says a number that was heard with another word, or a lower one: whoever hears it knows
that two databases speak for one server (docs/decisions/0081).
"""

import re
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from typing import ClassVar, Final, NamedTuple

import msgspec
from sqlalchemy import func, select

from federation.errors import LaterError, RefusalError
from federation.store.sessions import ReadSession, WriteSession
from federation.store.tables import InboxMessage, OwnVoice, PeerVoice

HEADER: Final = "Federation-Voice"
_ONE: Final = 1  # the id of the one row
_FORM: Final = re.compile(r"(\d{1,15})\.(\d{1,9})\.([0-9a-f]{16})\.(\d{1,10})", re.ASCII)


class BadVoiceError(RefusalError):
    """This is not how a server says with which voice it speaks."""

    code: ClassVar[str] = "BAD_VOICE"


class AnotherVoiceError(RefusalError):
    """Another database speaks for this server, and was heard later: two may not."""

    code: ClassVar[str] = "ANOTHER_VOICE"


class SilencedError(LaterError):
    """This server stopped: others heard another database speak for it."""

    code: ClassVar[str] = "SILENCED"


class Voice(NamedTuple):
    """With which voice a server speaks.

    `received_until` is when, in seconds since 1970, a restored database had received its last
    message; 0 where none was restored.
    """

    epoch: int
    start: int
    nonce: str
    received_until: int = 0

    @property
    def text(self) -> str:
        """Return it as it is sent."""
        return f"{self.epoch}.{self.start}.{self.nonce}.{self.received_until}"


def read_voice(text: str) -> Voice:
    """Read a voice as it was sent (BAD_VOICE)."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise BadVoiceError(text[:64])
    return Voice(int(found[1]), int(found[2]), found[3], int(found[4]))


async def find_own(session: ReadSession) -> OwnVoice | None:
    """Return the row of this server's own voice; None where it was never started."""
    return await session.get(OwnVoice, _ONE)


async def begin(session: WriteSession) -> OwnVoice:
    """Count a start, and draw its word."""
    row = await _own(session)
    row.start, row.nonce = row.start + 1, secrets.token_hex(8)
    await session.flush()
    return row


async def claim(session: WriteSession, now: datetime) -> OwnVoice:
    """Begin an epoch: this database speaks from now on, whatever others have heard before."""
    row = await _own(session)
    row.epoch = max(row.epoch + 1, int(now.timestamp()))
    row.start, row.nonce = 0, secrets.token_hex(8)
    row.received_until = await session.scalar(select(func.max(InboxMessage.received_at)))
    row.refused_by, row.silenced_at = "[]", None
    await session.flush()
    return row


def voice_of(row: OwnVoice) -> Voice:
    """Return a server's own voice."""
    until = 0 if row.received_until is None else int(row.received_until.timestamp())
    return Voice(row.epoch, row.start, row.nonce, until)


def refused_by(row: OwnVoice) -> list[str]:
    """Return the entity ids of the servers that heard another database after this one."""
    return msgspec.json.decode(row.refused_by, type=list[str])


async def note_refusal(
    session: WriteSession, row: OwnVoice, by: str, believed: Collection[str], now: datetime
) -> None:
    """Note who heard another database; this one is silenced once more than half of `believed` have.

    `believed` are the entity ids of those whose word counts now.
    """
    listed = sorted({*refused_by(row), by})
    row.refused_by = msgspec.json.encode(listed).decode()
    if 2 * len(set(believed).intersection(listed)) > len(believed):
        row.silenced_at = row.silenced_at or now
    await session.flush()


async def is_heard(session: ReadSession, sender: str, voice: Voice) -> bool:
    """Tell whether a server spoke with this voice last."""
    row = await session.get(PeerVoice, sender)
    return row is not None and (row.epoch, row.start, row.nonce) == voice[:3]


async def hear(session: WriteSession, sender: str, voice: Voice, now: datetime) -> bool:
    """Keep the voice with which a server speaks now; say whether it was restored (ANOTHER_VOICE).

    `sender` is the thumbprint of its first key, by which its messages are numbered as well.
    """
    row = await session.get(PeerVoice, sender)
    if row is None:
        session.add(PeerVoice(sender=sender, **_fields(voice), since=now))
        return voice.epoch > 0
    came, known = (voice.epoch, voice.start), (row.epoch, row.start)
    if came < known or (came == known and voice.nonce != row.nonce):
        since = f"{row.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        last = f"start {known[1]} of {known[0]} at {since}"
        raise AnotherVoiceError(f"start {came[1]} of {came[0]}; heard last: {last}")
    is_restored = voice.epoch > row.epoch
    if came != known:
        row.epoch, row.start, row.nonce, row.since = *voice[:3], now
    return is_restored


async def _own(session: WriteSession) -> OwnVoice:
    row = await find_own(session)
    if row is None:
        row = OwnVoice(id=_ONE, epoch=0, start=0, nonce="", refused_by="[]")
        session.add(row)
    return row


def _fields(voice: Voice) -> dict[str, int | str]:
    return {"epoch": voice.epoch, "start": voice.start, "nonce": voice.nonce}
