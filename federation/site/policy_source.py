"""Where the gate's policy comes from: pulled from the node, checked, kept on disk.

The last good policy survives a restart, and so do the keys that node and hub changed to. One that
is older than the one held is refused, whoever sends it, so that nobody brings a lifted suspension
or an opt-out not yet made back to life.
"""

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from federation.access.bearers import Bearer
from federation.access.forks import begins_anew_after_forks
from federation.access.wire import Answer, Call, Fetch, fetch
from federation.clock import Clock
from federation.errors import RefusalError, answered
from federation.gate.rulings import HeldPolicy
from federation.gate.whole_files import replace_whole
from federation.signing.jose import InvalidTokenError, Reason
from federation.signing.keys import Keys
from federation.signing.policy import (
    POLICY_BYTES_MAX,
    CheckedPolicy,
    open_site_policy,
    read_site_policy,
)
from federation.site.known_keys import KeyFile

POLL_SECONDS: Final = 30.0  # with a call's own limit never more than a minute apart
_log = logging.getLogger(__name__)


class RolledBackPolicyError(RefusalError):
    """The policy is older than the one held."""

    code: ClassVar[str] = "POLICY_ROLLED_BACK"


class PolicyNotServedError(RefusalError):
    """The node did not serve the policy."""

    code: ClassVar[str] = "POLICY_NOT_SERVED"


@dataclass(frozen=True, slots=True)
class Pins:
    """What a site was told at installation and believes without asking; it follows the keys."""

    node: str
    member_id: str
    node_keys: Keys
    hub_keys: Keys


class PolicySource:
    """Pulls one site's policy and holds the last good one."""

    def __init__(
        self,
        pins: Pins,
        *,
        path: Path,
        clock: Clock,
        bearer: Bearer | None = None,
        fetch: Fetch = fetch,
    ) -> None:
        self._pins = pins
        self._path = path
        self._clock = clock
        self._bearer = bearer
        self._fetch = fetch
        self._known = KeyFile(path.with_name("keys.json"), pins.node_keys, pins.hub_keys)
        self._etag: str | None = None
        member = quote(pins.member_id, safe="")
        self._url = f"{pins.node.rstrip('/')}/sites/{member}/policy"
        self._looked_at = 0  # which file on disk was read, by when it was written
        self._held: HeldPolicy | None = None
        self.begin_anew()
        begins_anew_after_forks(self)
        self._look_on_disk()

    def begin_anew(self) -> None:
        """Begin, also after a fork: nobody is putting a policy in force there."""
        self._turn = threading.Lock()

    def current(self) -> HeldPolicy | None:
        """Return the policy last accepted, of whatever age.

        A process that has none yet, just forked or started, takes what another one has on disk.
        """
        if self._held is None:
            self._look_on_disk()
        return self._held

    def _look_on_disk(self) -> None:
        """Take what is on disk, unless a newer one has been put in force meanwhile."""
        with self._turn, suppress(OSError):
            written = self._path.stat().st_mtime_ns
            if self._held is None and written != self._looked_at:
                self._looked_at = written
                self._held = self._load()

    def signed_at(self) -> datetime | None:
        """Return when the policy at hand was signed."""
        held = self._held
        return None if held is None else datetime.fromtimestamp(held.checked.site.iat, UTC)

    def refresh(self) -> None:
        """Ask the node for a policy newer than the one held; a refused one changes nothing."""
        answer = self._fetch(self._call())
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return
        if answer.status == HTTPStatus.UNAUTHORIZED and self._bearer is not None:
            self._bearer.refused()
        if answer.status != HTTPStatus.OK:
            raise PolicyNotServedError(answered(answer.status, answer.body))
        self._accept(answer)

    def _call(self) -> Call:
        headers = {"Accept": "application/jwt"}
        if self._bearer is not None:
            headers["Authorization"] = f"Bearer {self._bearer.current()}"
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        return Call("GET", self._url, headers, answer_bytes_max=POLICY_BYTES_MAX)

    def _accept(self, answer: Answer) -> None:
        token = answer.body.strip()
        known = self._known
        checked = read_site_policy(token, known.node.keys, known.hub.keys, self._clock())
        self._require_ours(checked)
        held = HeldPolicy(checked)
        with self._turn:
            self._require_newer(checked)
            self._held = held  # what is on disk is in force: requests come meanwhile
        self._save(token)
        known.learn(checked.site.configuration, checked.trust.configuration)
        self._etag = answer.headers.get("etag")  # where the disk was full it is asked for again

    def _require_ours(self, checked: CheckedPolicy) -> None:
        if checked.site.iss != self._pins.node:
            said = self._known.node.read(checked.site.configuration)
            if said is None or said.address != checked.site.iss:
                raise InvalidTokenError(Reason.ISSUER, "another node's policy")
            _log.warning("the node is at %s by now: tell the gate", checked.site.iss)
        if checked.site.sub != self._pins.member_id:
            raise InvalidTokenError(Reason.AUDIENCE, "another member's policy")

    def _require_newer(self, checked: CheckedPolicy) -> None:
        if self._held is None:
            return
        held = self._held.checked
        if checked.site.iat < held.site.iat or checked.trust.iat < held.trust.iat:
            raise RolledBackPolicyError
        if (uri := checked.statuses.older(than=held.statuses)) is not None:
            raise RolledBackPolicyError(uri)

    def _load(self) -> HeldPolicy | None:
        """Return the policy on disk if it is still genuine. Its age is judged when it is used."""
        try:
            token = self._path.read_bytes()
            checked = open_site_policy(token, self._known.node.keys, self._known.hub.keys)
            self._require_ours(checked)
            return HeldPolicy(checked)
        except FileNotFoundError:
            return None
        except RefusalError as refusal:
            _log.warning("the policy on disk is set aside: %s: %s", refusal.code, refusal)
            return None

    def _save(self, token: bytes) -> None:
        replace_whole(self._path, token)
