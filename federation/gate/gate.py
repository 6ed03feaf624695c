"""What the gate makes of one request: let it pass, refuse it, or serve it under a licence.

One judgement for every kind of server. A request is the mapping that ASGI calls a scope; `asgi.py`
has it as it is, `wsgi.py` reads it from its environment. Nothing here opens a connection.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol
from urllib.parse import quote

from federation.clock import Clock, system_clock
from federation.errors import RefusalError
from federation.gate.answers import READING, Headers, Response, observed, refusal_response
from federation.gate.asks import (
    USE_HEADER,
    Ask,
    Scope,
    carries_credential,
    header_values,
    raw_path,
    read_ask,
    read_credential,
    signable,
    user_agent,
)
from federation.gate.callers import ClientAddress, connection_address
from federation.gate.crawlers import CrawlerRule, name_of
from federation.gate.events import Unit, UsageLine, new_event_id, units_of
from federation.gate.guesses import Guesses
from federation.gate.nonces import NonceStore
from federation.gate.origins import Origins, require_one_address
from federation.gate.refusals import (
    LicenceRequiredError,
    MethodNotAllowedError,
    SiteRefusalError,
    TooManyGuessesError,
)
from federation.gate.reservations import LICENCE_PATH, is_reservation
from federation.gate.rulings import Grant, HeldPolicy, grant, require_fresh
from federation.gate.spool import Spool
from federation.gate.visits import VisitCounts
from federation.signing.jose import InvalidTokenError
from federation.signing.signatures import InvalidSignatureError

_SIGNED: Final = "signature-input"
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~-._"
_PATH_CHARS_LOGGED: Final = 100
_CRAWLERS_TAG: Final = "web-bot-auth"
_log = logging.getLogger(__name__)


def agents_of(rule: CrawlerRule) -> Callable[[Scope], bool]:
    """Return a rule for requests from one for user agents."""
    return lambda scope: rule.asks(user_agent(scope))


is_crawler: Final = agents_of(CrawlerRule())
"""Tells whether a user agent is on the list of those who are asked for a licence."""


class PolicyHolder(Protocol):
    """Anything that has the site's policy at hand."""

    def current(self) -> HeldPolicy | None:
        """Return the policy last accepted, of whatever age."""


class TermsHolder(Protocol):
    """Anything that has the member's terms at hand."""

    def current(self) -> Response | None:
        """Return the answer to whoever asks for them, None where there is none."""


class Mode(StrEnum):
    """What becomes of what is not licensed: refused, or served with a word of what would be."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """What a gate works with.

    `origins` are the site's public addresses, each `https://host`; a crawler that asks for another
    host is refused (421), whatever a proxy in front would make of it. `licence_xml` is where the
    terms stand, if neither the policy nor `/license.xml` says it; `terms` has what the gate itself
    answers there. A request that shows a licence token, or is signed as crawlers sign, counts as a
    crawler whatever `is_bot` says.
    """

    policy: PolicyHolder
    spool: Spool
    nonces: NonceStore
    origins: Sequence[str]
    clock: Clock = system_clock
    terms: TermsHolder | None = None
    visits: VisitCounts | None = None
    licence_xml: str | None = None
    use_header: str = USE_HEADER
    unit: Unit = Unit.REQUEST
    mode: Mode = Mode.ENFORCE
    is_bot: Callable[[Scope], bool] = is_crawler
    client_address: ClientAddress = connection_address
    guesses: Guesses = field(default_factory=Guesses)
    new_event_id: Callable[..., str] = new_event_id


class Passed(NamedTuple):
    """Nobody the gate is for, or a site that only observes: `headers` go along with the answer."""

    headers: Headers = ()


class Answered(NamedTuple):
    """What is answered in the place of the application: a refusal, or the member's terms."""

    response: Response


class Visit(NamedTuple):
    """A crawler that is let in: it is served, and what it takes is counted."""

    ask: Ask
    granted: Grant
    now: datetime
    link: str


Decision = Passed | Answered | Visit
PASSED: Final = Passed()


class Gate:
    """Judges requests, one at a time or many in threads."""

    def __init__(self, config: GateConfig) -> None:
        self.config = config
        self._origins = Origins(config.origins)

    @property
    def is_observing(self) -> bool:
        """Tell whether nobody is refused."""
        return self.config.mode == Mode.OBSERVE

    def concerns(self, scope: Scope) -> bool:
        """Tell whether whoever asks has to show a licence."""
        return (
            carries_credential(scope)
            or any(_CRAWLERS_TAG in said for said in header_values(scope, _SIGNED))
            or self.config.is_bot(scope)
        )

    def may_wait(self, scope: Scope) -> bool:
        """Tell whether a decision may have to wait for the disk: its nonce is then taken there."""
        return bool(header_values(scope, _SIGNED)) and carries_credential(scope)

    def decide(self, scope: Scope) -> Decision:
        """Say what becomes of a request; what is refused is counted here, what is served later."""
        if (terms := self._terms(scope)) is not None:
            return Answered(terms)
        if not self.concerns(scope):
            return PASSED
        try:
            _require_reading(scope)
            require_one_address(scope)
            return PASSED if self._is_reservation(scope) else self._admit(scope)
        except RefusalError as refusal:
            if not isinstance(refusal, TooManyGuessesError):  # of those one line tells in a while
                _log.info("%s refused: %s: %s", _described(scope), refusal.code, refusal)
            self.count_refused(user_agent(scope), refusal)
            if self.is_observing:
                return Passed(observed(refusal))
            return Answered(self.refusal(refusal, scope))

    def refusal(self, refusal: RefusalError, scope: Scope) -> Response:
        """Return how a request is refused."""
        policy = self.config.policy.current()
        buy_at = None if policy is None else policy.checked.site.licence_url
        return refusal_response(refusal, link=self._terms_url(scope), buy_at=buy_at)

    def event(self, visit: Visit, status: int, body_bytes: int) -> UsageLine:
        """Return the usage line of an answer."""
        config, (token, use, _) = self.config, visit.granted
        return UsageLine(
            event_id=config.new_event_id(visit.now),
            licence=token.licence,
            url=visit.ask.url,
            use=use,
            units=units_of(config.unit, body_bytes),
            occurred_at=visit.now,
            token=token.jti,
            agent=visit.ask.agent,
            status=status,
            body_bytes=body_bytes,
        )

    def count_refused(self, agent: str, refusal: RefusalError) -> None:
        """Count a visit that is refused, or would be if the site did more than observe."""
        if self.config.visits is not None:
            self.config.visits.refused(name_of(agent), refusal.code, let_through=self.is_observing)

    def count_served(self, visit: Visit, *, is_counted: bool) -> None:
        """Count a licensed visit; `is_counted` says that its answer is in the spool."""
        if self.config.visits is not None:
            agent = name_of(visit.ask.agent)
            self.config.visits.licensed(agent, is_counted=is_counted, at=visit.now)

    def close(self) -> None:
        """Let go of the files; they are opened again when they are needed."""
        try:
            if self.config.visits is not None:
                self.config.visits.add_up()
        except OSError as error:  # the usage is what counts
            _log.warning("%s: %s: some visits are not counted", error.filename, error.strerror)
        self.config.spool.close()
        self.config.nonces.close()

    def _admit(self, scope: Scope) -> Visit:
        """Return the visit if it is licensed, new and can be recorded, else refuse."""
        config, now = self.config, self.config.clock()
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
            config.nonces.take(granted.proof, granted.token.licensee, now)
        return Visit(ask, granted, now, self._terms_url(scope))

    def _terms(self, scope: Scope) -> Response | None:
        """Return the member's terms to whoever reads `/license.xml`, if they are the gate's."""
        config = self.config
        if config.terms is None or config.licence_xml is not None:
            return None
        is_read = raw_path(scope) == LICENCE_PATH.encode() and scope["method"] in READING
        return config.terms.current() if is_read else None

    def _is_reservation(self, scope: Scope) -> bool:
        """Tell whether a request is for a reservation, or for the terms that answers point to."""
        stated = self._origins.path_of(self._stated_terms())
        return is_reservation(scope) or (
            stated is not None and raw_path(scope) == stated.encode(errors="replace")
        )

    def _terms_url(self, scope: Scope) -> str:
        """Return where the machine-readable terms stand: as configured, as the node says, here."""
        try:
            return self._stated_terms() or self._origins.asked(scope) + LICENCE_PATH
        except SiteRefusalError:
            return self._origins.main + LICENCE_PATH

    def _stated_terms(self) -> str | None:
        policy = self.config.policy.current()
        return self.config.licence_xml or (policy.checked.site.rsl if policy else None)


def _described(scope: Scope) -> str:
    """Say who asked, by the name under which it is counted, and for what; never from where."""
    path = quote(raw_path(scope), safe=_PATH_SAFE)[:_PATH_CHARS_LOGGED]
    return f"{name_of(user_agent(scope))} at {path}"


def _require_reading(scope: Scope) -> None:
    """Refuse a crawler whatever is not reading.

    A licence is for pages to be read, and an application may answer any method with one (POST and
    QUERY search, PUT echoes, OPTIONS describes). Counting what each method means would need to know
    the application; refusing them takes nothing that a licence gives. HEAD brings no content.
    """
    if scope["method"] not in READING:
        raise MethodNotAllowedError(str(scope["method"])[:20])
