"""Which tests stay together in one process, and what begins first: it decides how long a run takes.

`--dist loadgroup` is no help: it renames tests in a way that pytest 9.2 has no place for.
"""

import re
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

from tests.databases import BACKENDS, PostgresServer

ROOT = Path(__file__).parent
SHARED = ("tests/federation/", "tests/payments/")  # each has pasts that all its modules go on from
# Those on PostgreSQL take minutes: two processes share them, and each makes the pasts it needs.
HALVED, FIRST_HALF = "tests/federation/", re.compile(r"test_[a-h]")

# What takes longest begins first, so that all processes end together.
LONG = ("federation", "payments", "scenario", "adversary", "desk", "demo", "banking", "stateful")
LONG += (
    "story",
    "handbook",
    "settlementdesk",
    "site/test_stacks",
)  # one test of minutes, or servers one by one
# What asks whole servers over HTTP: `make test` does so on SQLite, `make test-all`, and with it CI,
# on PostgreSQL. What their acts do to rows `make test` tests on both, room by room.
WHOLE_SERVERS = (
    "adversary/",
    "desk/",
    "federation/",
    "oauth/",
    "payments/test_left_after_set_off",
    "payments/test_month_of_payments",
    "payments/test_pay_ahead",
    "settlementdesk/",
    "signin/",
)
_BACKEND = re.compile(rf"::.*\b({'|'.join(BACKENDS)})\b")


class ByBackend(LoadScopeScheduling):
    """Keeps a module's tests of one backend together, and those that share federations."""

    def _split_scope(self, nodeid: str) -> str:
        module, (backend,) = nodeid.partition("::")[0], _BACKEND.findall(nodeid)[:1] or [""]
        shared = next((folder for folder in SHARED if module.startswith(folder)), module)
        where = shared if backend else module
        if (where, backend) == (HALVED, "postgres") and FIRST_HALF.match(module, len(HALVED)):
            where += "first half"
        return f"{where} {backend}"


def turn(path: Path) -> int:
    """Return when the tests of a module begin: the lower, the earlier."""
    where = path.relative_to(ROOT).as_posix()
    return next((n for n, part in enumerate(LONG) if where.startswith(part)), len(LONG))


def is_second_life(nodeid: str) -> bool:
    """Tell whether a test asks on PostgreSQL what it asks of whole servers on SQLite as well."""
    whole = tuple(f"{ROOT.name}/{part}" for part in WHOLE_SERVERS)
    return nodeid.startswith(whole) and _BACKEND.findall(nodeid)[:1] == ["postgres"]


def examines_what_follows(backend: object) -> bool:
    """Tell whether what a test adds to a past is held against every invariant.

    An invariant reads and writes nothing. On PostgreSQL it is asked of every past and every whole
    life; what a test adds to a copy of a past are the rows that the same test adds on SQLite, where
    it is asked of them. A hundred questions to each of four servers take as long there as the test.
    """
    return not isinstance(backend, PostgresServer)
