"""Does a logged request count, under which licence and use, on what evidence? Pure."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from federation.accesslogs.agents import Agents
from federation.accesslogs.hits import Fate, Hit, Kind, LoggedLine, RefusedHit
from federation.accesslogs.shown import ShownTokens, require_alive, require_reach
from federation.addresses.urls import MAX_URL_LENGTH, normalise_url
from federation.errors import RefusalError
from federation.gate.events import Unit, units_of
from federation.gate.metering import counts
from federation.gate.origins import Origins
from federation.gate.rulings import choose_use
from federation.values.evidence import Evidence

_RAW_SAFE: Final = "/:@!$&'()*+,;=~-._%"
_PLAIN_TARGET: Final = re.compile(r"/[\w/:@!$&'()*+,;=~.?%-]*", re.ASCII)
_WHOLE_URL: Final = re.compile(r"https?://([^/?#]*)(.*)", re.DOTALL | re.IGNORECASE)
_HOST_NAME: Final = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*(?::[0-9]{1,5})?")
HOSTS_SHOWN_MAX: Final = 3
_AGENT_CHARS_MAX: Final = 256
_FIELD_CHARS_MAX: Final = 256
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


class _Ground(msgspec.Struct, frozen=True, gc=False):
    """Why a line counts: evidence, licence, use, and the token if it showed one."""

    evidence: Evidence
    licence: str
    use: str
    token: str


class _Address(NamedTuple):
    """A URL as asked for, and its origin."""

    url: str
    origin: str


class Judge:
    """Turns hits into usage lines, or says why they are none."""

    def __init__(
        self,
        *,
        origins: Origins,
        agents: Agents,
        unit: Unit,
        now: datetime,
        oldest: datetime,
    ) -> None:
        self.agents = agents
        self._origins = origins
        self._unit = unit
        self._now = now
        self._oldest = oldest
        self._tokens = ShownTokens()
        self._by_host: dict[str, str] = {}
        self.other_hosts: dict[str, None] = {}  # the first that are none of the site's

    def rule(self, hit: Hit, name: Callable[[Hit], str]) -> LoggedLine:
        """Return the usage line of a hit, with the id that `name` gives it, or refuse the hit."""
        self._require_crawler(hit)
        if not hit.method:
            raise RefusedHit(Fate.MALFORMED, "no request line")
        _require_served(hit)
        self._require_time(hit)
        address = self._address(hit)
        ground = self._ground(hit, address)
        return LoggedLine(
            event_id=name(hit),
            licence=ground.licence,
            url=address.url,
            use=ground.use,
            units=units_of(self._unit, hit.body_bytes),
            occurred_at=hit.occurred_at,
            token=ground.token,
            agent=hit.agent[:_AGENT_CHARS_MAX],
            status=hit.status,
            body_bytes=hit.body_bytes,
            evidence=ground.evidence,
        )

    def _require_crawler(self, hit: Hit) -> None:
        if hit.token or hit.token_id:
            return
        kind = self.agents[hit.agent]
        if kind is not Kind.NAMED:
            raise RefusedHit(Fate.NOT_LICENSED if kind is Kind.CRAWLER else Fate.NOT_A_CRAWLER)

    def _require_time(self, hit: Hit) -> None:
        if hit.occurred_at > self._now + _CLOCKS_DIFFER:
            raise RefusedHit(Fate.FUTURE, f"{hit.occurred_at:%Y-%m-%dT%H:%M:%SZ}")
        if hit.occurred_at < self._oldest:
            raise RefusedHit(Fate.TOO_OLD, f"{hit.occurred_at:%Y-%m-%dT%H:%M:%SZ}")

    def _address(self, hit: Hit) -> _Address:
        """Return the URL as asked for, below one of the site's origins."""
        host, target = hit.host, hit.target
        if not target.startswith("/"):
            host, target = _host_and_target(target)
        origin = self._origins.main if not host else self._origin(host)
        url = origin + target
        if not _PLAIN_TARGET.fullmatch(target) or len(url) > MAX_URL_LENGTH:
            url = origin + _quoted(target)
            try:
                normalise_url(url)
            except RefusalError as error:
                raise RefusedHit(Fate.MALFORMED_URL, error.detail) from None
        return _Address(url, origin)

    def _origin(self, host: str) -> str:
        """Return the origin that a host is of; a site has few, and each is asked for once."""
        host = host.lower()
        found = self._by_host.get(host)
        if found is None:
            try:
                scope = {"headers": [(b"host", host.encode("latin-1", "replace"))]}
                found = self._by_host[host] = self._origins.asked(scope)
            except RefusalError:
                # Anything else may hold somebody's account or address.
                name = host if _HOST_NAME.fullmatch(host) else "no name of a host"
                if len(self.other_hosts) < HOSTS_SHOWN_MAX:
                    self.other_hosts[name] = None
                raise RefusedHit(Fate.OTHER_SITE, name) from None
        return found

    def _ground(self, hit: Hit, address: _Address) -> _Ground:
        if hit.token:
            shown = self._tokens.read(hit.token)
            require_alive(shown, hit.occurred_at)
            require_reach(shown, address.origin, address.url)
            try:
                use = choose_use(hit.use or None, shown.uses)
            except RefusalError:
                uses = ", ".join(shown.uses)
                raise RefusedHit(Fate.USE_NOT_GRANTED, f"the token grants {uses}") from None
            return _Ground(Evidence.TOKEN_LOGGED, shown.licence, use, shown.jti)
        if hit.token_id:
            said = hit.token_id, hit.licence, hit.use
            if not all(0 < len(field) <= _FIELD_CHARS_MAX for field in said):
                asked = f"token_id, licence and use of 1 to {_FIELD_CHARS_MAX} characters"
                raise RefusedHit(Fate.USE_NOT_GRANTED, f"{asked} are asked for")
            return _Ground(Evidence.TOKEN_LOGGED, hit.licence, hit.use, hit.token_id)
        day = hit.occurred_at.date()
        for named in self.agents.named(hit.agent):
            if named.from_ <= day <= named.to:
                return _Ground(Evidence.AGENT_LOGGED, named.licence, named.use, "")
        raise RefusedHit(Fate.OUTSIDE_LICENCE, f"{day} is in no licence that names the agent")


def _host_and_target(url: str) -> tuple[str, str]:
    """Return host and target of a whole URL, as proxies are asked for one."""
    found = _WHOLE_URL.fullmatch(url)
    if found is None:
        raise RefusedHit(Fate.MALFORMED_URL, "neither a path nor a URL")
    host, rest = found.groups()
    return host, rest if rest.startswith("/") else "/" + rest


def _quoted(target: str) -> str:
    """Return a target with escapes where no URL does without, and without a fragment."""
    path, mark, query = target.partition("#")[0].partition("?")
    return quote(path, safe=_RAW_SAFE) + mark + quote(query, safe=_RAW_SAFE + "?")


def _require_served(hit: Hit) -> None:
    """Refuse what brought no content: only a 2xx answer to GET with a body counts (the gate's)."""
    if hit.method != "GET":
        raise RefusedHit(Fate.NOT_A_GET)
    if not counts(hit.status, hit.body_bytes):
        raise RefusedHit(Fate.NOT_SUCCESSFUL)
