"""The life of a server's own keys, as a pure table: which key signs, and which are published when.

A key is published as NEXT before it signs anything, so that whoever checks has seen it by then; it
is ACTIVE, advised for 90 days; then it only checks (VERIFY_ONLY) for as long as anything it signed
may live; then it is RETIRED. Of each purpose one key is ACTIVE.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.signing.bound_tokens import BOUND_SECONDS_MAX
from federation.signing.client_tokens import ACCESS_SECONDS_MAX
from federation.signing.statuslist import LIFE_SECONDS
from federation.signing.tokens import LICENCE_SECONDS_MAX, STAFF_SECONDS_MAX

PUBLISHED_BEFORE: Final = timedelta(hours=48)  # a site holds what it fetched for an hour
SEEN_AFTER: Final = timedelta(minutes=5)  # whoever looks has: nodes every minute, sites oftener
ADVISED: Final = timedelta(days=90)
TOKEN_LIFE_MAX: Final = timedelta(
    seconds=max(
        STAFF_SECONDS_MAX,
        LICENCE_SECONDS_MAX,
        BOUND_SECONDS_MAX,
        ACCESS_SECONDS_MAX,
        LIFE_SECONDS,  # of a status list
    )
)
VERIFIES_FOR: Final = TOKEN_LIFE_MAX + timedelta(hours=25)  # a day for who was offline, and skew


class Purpose(StrEnum):
    """What a key signs.

    FEDERATION: who this server is. Calls to other servers, grants, licences, heads of the journal,
    the trust document and site policies: whatever others have pinned.
    TOKEN: tokens of licences, staff and programs, and status lists: what is checked every day.
    """

    FEDERATION = "FEDERATION"
    TOKEN = "TOKEN"  # noqa: S105 - a word, no secret


class State(StrEnum):
    """Where a key stands in its life."""

    NEXT = "NEXT"
    ACTIVE = "ACTIVE"
    VERIFY_ONLY = "VERIFY_ONLY"
    RETIRED = "RETIRED"


class KeyStateError(RefusalError):
    """The key is not in a state that allows this."""

    code: ClassVar[str] = "KEY_STATE"


class KeyTooYoungError(RefusalError):
    """Not everybody can have seen this key yet; an emergency takes a reason."""

    code: ClassVar[str] = "KEY_TOO_YOUNG"


class KeyUnseenError(KeyTooYoungError):
    """Nodes and sites cannot know this key of the hub yet; an emergency waits five minutes too."""


class KeyStillCheckedError(RefusalError):
    """What this key signed may still be in use; an emergency takes a reason."""

    code: ClassVar[str] = "KEY_STILL_CHECKED"


@dataclass(frozen=True, slots=True)
class Life:
    """A key's state and the instants at which it changed."""

    state: State
    made_at: datetime
    activated_at: datetime | None = None
    verify_until: datetime | None = None
    retired_at: datetime | None = None


def born(now: datetime) -> Life:
    """Return the life of a key that is published from now on and signs nothing yet."""
    return Life(State.NEXT, now)


def first(now: datetime) -> Life:
    """Return the life of a server's first key: nobody checked with another before it."""
    return Life(State.ACTIVE, now, activated_at=now)


def activated(life: Life, now: datetime, *, is_urgent: bool = False) -> Life:
    """Let a NEXT key sign from now on (KEY_STATE, KEY_TOO_YOUNG)."""
    if life.state is not State.NEXT:
        raise KeyStateError(f"it is {life.state}, not {State.NEXT}")
    if now < life.made_at + PUBLISHED_BEFORE and not is_urgent:
        raise KeyTooYoungError(f"from {(life.made_at + PUBLISHED_BEFORE).isoformat()} on")
    return replace(life, state=State.ACTIVE, activated_at=now)


def require_seen(life: Life, now: datetime) -> None:
    """Refuse a key of the hub that nodes and sites had no time to learn (KEY_TOO_YOUNG)."""
    if now < life.made_at + SEEN_AFTER:
        raise KeyUnseenError(f"from {(life.made_at + SEEN_AFTER).isoformat()} on")


def superseded(life: Life, now: datetime) -> Life:
    """Let an ACTIVE key only check from now on, until all that it signed is over (KEY_STATE)."""
    if life.state is not State.ACTIVE:
        raise KeyStateError(f"it is {life.state}, not {State.ACTIVE}")
    return replace(life, state=State.VERIFY_ONLY, verify_until=now + VERIFIES_FOR)


def retired(life: Life, now: datetime, *, is_urgent: bool = False) -> Life:
    """Withdraw a key that signs no more, or never did (KEY_STATE, KEY_STILL_CHECKED)."""
    if life.state in {State.ACTIVE, State.RETIRED}:
        what = "activate another first" if life.state is State.ACTIVE else "long gone"
        raise KeyStateError(f"it is {life.state}: {what}")
    if life.verify_until is not None and now < life.verify_until and not is_urgent:
        raise KeyStillCheckedError(f"until {life.verify_until.isoformat()}")
    return replace(life, state=State.RETIRED, retired_at=now)


def is_published(life: Life, now: datetime) -> bool:
    """Tell whether whoever checks should know this key at an instant."""
    if life.state is State.VERIFY_ONLY:
        return life.verify_until is not None and now < life.verify_until
    return life.state in {State.NEXT, State.ACTIVE}


def is_old(life: Life, now: datetime) -> bool:
    """Tell whether an ACTIVE key has signed for longer than is advised."""
    since = life.activated_at if life.state is State.ACTIVE else None
    return since is not None and now >= since + ADVISED
