"""Who reports usage where: a lab its own to the hub, a member's site what it served to its node."""

from dataclasses import dataclass

from federation.store.idempotency import KEY_LENGTH_MAX, BadIdempotencyKeyError
from federation.trust.principals import NotAllowedError, Principal
from federation.values.party import HUB
from federation.values.roles import MAY_REPORT_USAGE, Role


class BadBatchKeyError(BadIdempotencyKeyError):
    """A batch needs an Idempotency-Key of 1 to 128 characters."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Whose lines a batch holds: `source` is lab or site, `name` keeps its event ids apart.

    `licensee` is set for a lab: another lab's licence is unknown to it. `member` is set for the
    site of a member: it speaks for that member's addresses only. A site's credential that was
    issued for no member is the collective's own, which reports for all of them.
    """

    source: str
    name: str
    licensee: str | None
    member: str | None = None


def reporter_of(who: Principal, here: str) -> Reporter:
    """Return who reports at this server (its code is `here`), or refuse (NOT_ALLOWED)."""
    who.require(*MAY_REPORT_USAGE)
    is_lab = Role.LAB in who.roles
    if is_lab != (here == HUB):
        raise NotAllowedError("labs report to the hub, sites to their node")
    source = "lab" if is_lab else "site"
    name = f"{source}:{who.party or who.subject}"
    if is_lab:
        return Reporter(source, name, who.require_party())
    return Reporter(source, name, None, who.party)


def check_batch_key(key: str) -> None:
    """Refuse a batch whose Idempotency-Key is missing or too long (BAD_IDEMPOTENCY_KEY)."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise BadBatchKeyError
