"""The gate before a publisher's application: pure ASGI, people pass, crawlers show a licence."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from federation.clock import Clock, system_clock
from federation.errors import RefusalError
from federation.signing.jose import InvalidTokenError
from federation.signing.signatures import InvalidSignatureError
from federation.site.answers import READING, refusal_messages
from federation.site.asks import (
    USE_HEADER,
    Ask,
    Scope,
    carries_credential,
    raw_path,
    read_ask,
    read_credential,
    signable,
    user_agent,
)
from federation.site.background import Background
from federation.site.callers import ClientAddress, connection_address
from federation.site.crawlers import is_ai_crawler
from federation.site.events import Unit, UsageLine, new_event_id, units_of
from federation.site.guesses import Guesses
from federation.site.metering import UNSEEN_BODIES, MakeEvent, MeteredSend, Send
from federation.site.nonces import NonceStore
from federation.site.origins import Origins
from federation.site.policy_source import PolicyHolder
from federation.site.refusals import (
    LicenceRequiredError,
    MethodNotAllowedError,
    SiteRefusalError,
    SpoolError,
    TooManyGuessesError,
)
from federation.site.reservations import LICENCE_PATH, is_reservation
from federation.site.rulings import Grant, grant, require_fresh
from federation.site.spool import Spool

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_POLICY_VIOLATION: Final = 1008
_log = logging.getLogger(__name__)


def is_crawler(scope: Scope) -> bool:
    """Tell whether the user agent names an AI company's crawler."""
    return is_ai_crawler(user_agent(scope))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """What a gate works with.

    `origins` are the site's public addresses, each `https://host`; a crawler that asks for another
    host is refused (421), whatever a proxy in front would make of it. `licence_xml` is where the
    terms stand, if neither the policy nor `/license.xml` says it. A request that shows a licence
    token counts as a crawler whatever `is_bot` says.
    """

    policy: PolicyHolder
    spool: Spool
    nonces: NonceStore
    origins: Sequence[str]
    clock: Clock = system_clock
    licence_xml: str | None = None
    use_header: str = USE_HEADER
    unit: Unit = Unit.REQUEST
    is_bot: Callable[[Scope], bool] = is_crawler
    client_address: ClientAddress = connection_address
    guesses: Guesses = field(default_factory=Guesses)
    new_event_id: Callable[..., str] = new_event_id


class Visit(NamedTuple):
    """A crawler that is let in."""

    ask: Ask
    granted: Grant
    now: datetime


class LicenceGate:
    """ASGI middleware that serves crawlers under a licence and records what they took."""

    def __init__(self, app: App, config: GateConfig, background: Background | None = None) -> None:
        self._app = app
        self._config = config
        self._origins = Origins(config.origins)
        self._background = background

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if self._background is not None:
            self._background.start()
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket" and self._concerns(scope):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            if self._background is not None:
                await self._background.stop()
            self._config.spool.close()
            self._config.nonces.close()

    def _concerns(self, scope: Scope) -> bool:
        return carries_credential(scope) or self._config.is_bot(scope)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._concerns(scope):
            await self._app(scope, receive, send)
            return
        try:
            _require_reading(scope)
            visit = None if self._is_reservation(scope) else await self._admit(scope)
        except RefusalError as refusal:
            if not isinstance(refusal, TooManyGuessesError):  # of those one line tells in a while
                _log.info("refused: %s: %s", refusal.code, refusal)
            await self._refuse(refusal, scope, send)
            return
        if visit is None:
            await self._app(scope, receive, send)
        else:
            await self._serve(visit, scope, receive, send)

    def _is_reservation(self, scope: Scope) -> bool:
        """Tell whether a request is for a reservation, or for the terms that answers point to."""
        stated = self._origins.path_of(self._stated_terms())
        return is_reservation(scope) or (
            stated is not None and raw_path(scope) == stated.encode(errors="replace")
        )

    async def _admit(self, scope: Scope) -> Visit:
        """Return the visit if it is licensed, new and can be recorded, else refuse."""
        config, now = self._config, self._config.clock()
        credential = read_credential(scope)
        origin = self._origins.asked(scope)
        ask = read_ask(scope, origin, config.use_header)
        if credential is None:
            raise LicenceRequiredError
        policy = require_fresh(config.policy.current(), now)
        address, token = config.client_address(scope), credential.token
        config.guesses.require_turn(address, token)
        try:
            granted = grant(ask, credential, signable(scope, origin), policy, now)
        except InvalidTokenError:
            config.guesses.is_wrong(address, token)
            raise
        except InvalidSignatureError:
            config.guesses.is_wrongly_signed(address, token)
            raise
        config.guesses.is_genuine(token)
        config.spool.check_room()
        if granted.proof is not None:
            lab = granted.token.licensee
            await asyncio.to_thread(config.nonces.take, granted.proof, lab, now)
        return Visit(ask, granted, now)

    async def _serve(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and count it. What it cannot count it does not deliver."""
        metered = MeteredSend(
            send,
            spool=self._config.spool,
            link=self._terms_url(scope),
            make_event=self._event_maker(visit),
            is_bodiless=scope["method"] == "HEAD",
        )
        try:
            await self._app(_with_seen_bodies(scope), receive, metered)
        except SpoolError as refusal:
            _log.exception("usage could not be recorded")
            if metered.has_begun:
                raise
            await self._refuse(refusal, scope, send)
        finally:
            metered.record_cut_short()

    def _event_maker(self, visit: Visit) -> MakeEvent:
        config, (ask, (token, use, _), now) = self._config, visit

        def make_event(status: int, body_bytes: int) -> UsageLine:
            return UsageLine(
                event_id=config.new_event_id(now),
                licence=token.licence,
                url=ask.url,
                use=use,
                units=units_of(config.unit, body_bytes),
                occurred_at=now,
                token=token.jti,
                agent=ask.agent,
                status=status,
                body_bytes=body_bytes,
            )

        return make_event

    async def _refuse(self, refusal: RefusalError, scope: Scope, send: Send) -> None:
        policy = self._config.policy.current()
        buy_at = None if policy is None else policy.checked.site.licence_url
        link = self._terms_url(scope)
        for message in refusal_messages(refusal, link=link, buy_at=buy_at):
            await send(message)

    def _terms_url(self, scope: Scope) -> str:
        """Return where the machine-readable terms stand: as configured, as the node says, here."""
        try:
            return self._stated_terms() or self._origins.asked(scope) + LICENCE_PATH
        except SiteRefusalError:
            return self._origins.main + LICENCE_PATH

    def _stated_terms(self) -> str | None:
        policy = self._config.policy.current()
        return self._config.licence_xml or (policy.checked.site.rsl if policy else None)


def _require_reading(scope: Scope) -> None:
    """Refuse a crawler whatever is not reading.

    A licence is for pages to be read, and an application may answer any method with one (POST and
    QUERY search, PUT echoes, OPTIONS describes). Counting what each method means would need to know
    the application; refusing them takes nothing that a licence gives. HEAD brings no content.
    """
    if scope["method"] not in READING:
        raise MethodNotAllowedError(str(scope["method"])[:20])


def _with_seen_bodies(scope: Scope) -> Scope:
    """Withdraw the extensions by which a server sends bodies this gate could not measure."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    seen = {name: value for name, value in extensions.items() if name not in UNSEEN_BODIES}
    return {**scope, "extensions": seen}
