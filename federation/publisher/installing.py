"""`federation-site init CODE`: from one code of the collective to the file of a site."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec

from federation.access.wire import Answer, Call, Fetch, UnreachableError, fetch
from federation.clock import Clock, system_clock
from federation.errors import RefusalError, answered
from federation.publisher.begun import Begun
from federation.signing.enrolment import (
    ANSWER_BYTES_MAX,
    Enrolment,
    SiteCode,
    known_keys,
    read_code,
    read_enrolment,
)
from federation.signing.jose import InvalidTokenError, Reason
from federation.site.settings import Settings, SiteClient, new_settings

CLOCK_SECONDS_MAX: Final = 60
_AGAIN: Final = "the same command again, with the same code, goes on from here"
_SPENT: Final = "the code was used, is over, or is wrong: ask your collective for another one"


class NotEnrolledError(RefusalError):
    """The node gave this site nothing."""

    code: ClassVar[str] = "NOT_ENROLLED"


class WrongNodeError(RefusalError):
    """Whoever answers at the node's address has none of the keys that the code names."""

    code: ClassVar[str] = "WRONG_NODE"


class ClockApartError(RefusalError):
    """This machine and the node do not have the same time."""

    code: ClassVar[str] = "CLOCK_APART"


def install(
    text: str, path: Path, *, clock: Clock = system_clock, fetch: Fetch = fetch
) -> Settings:
    """Take a code and write the site's file. A code is good once: nothing is asked in vain.

    Whatever is lost on the way, the same code again goes on: what this site drew for its credential
    is beside its file until that is written.
    """
    code = read_code(text)
    begun = Begun(path, code.secret)
    with new_settings(path) as write:
        _require_the_node(code, clock, fetch)
        found = _enrol(code, begun.bits(), clock, fetch)
        settings = Settings(
            node=found.node,
            member=found.member,
            node_keys=found.node_keys,
            hub_keys=found.hub_keys,
            client=SiteClient(found.client_id, found.client_secret),
            origins=found.origins,
        )
        write(settings)
    begun.end()
    return settings


def _require_the_node(code: SiteCode, clock: Clock, fetch: Fetch) -> None:
    """Refuse another server, and another time, before the secret is told."""
    answer = fetch(Call("GET", f"{code.node}/.well-known/federation", {}))
    try:
        said: Any = msgspec.json.decode(answer.body, type=dict[str, Any]).get("jwks")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = None
    if not known_keys(said, code):
        raise WrongNodeError(code.node)
    now, there = clock(), time_of(answer)
    if there is not None and abs((there - now).total_seconds()) > CLOCK_SECONDS_MAX:
        raise ClockApartError(f"here {_said(now)}, there {_said(there)}: set the clock (NTP)")


def time_of(answer: Answer) -> datetime | None:
    """Return what time it is at a server, None where it does not say."""
    try:
        said = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return said if said.tzinfo is not None else said.replace(tzinfo=UTC)


def _said(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _enrol(code: SiteCode, bits: str, clock: Clock, fetch: Fetch) -> Enrolment:
    body = msgspec.json.encode({"secret": code.secret, "bits": bits})
    headers = {"Content-Type": "application/json", "Accept": "application/jwt"}
    url = f"{code.node}/sites/enrol"
    try:
        answer = fetch(Call("POST", url, headers, body, ANSWER_BYTES_MAX))
    except UnreachableError as refusal:
        raise NotEnrolledError(f"{refusal.message} {_AGAIN}") from refusal
    if answer.status != HTTPStatus.OK:
        said = answered(answer.status, answer.body)
        told = f"{said}: {_SPENT}" if said.endswith(" BAD_SITE_CODE") else said
        raise NotEnrolledError(told)
    try:
        return read_enrolment(answer.body.strip(), code, clock())
    except InvalidTokenError as refusal:
        if refusal.reason in {Reason.EXPIRED, Reason.TIME}:
            raise ClockApartError(f"here {_said(clock())}; {_AGAIN}") from None
        raise
