"""Which tests stay together in one process, and what begins first: it decides how long a run takes.

`--dist loadgroup` is no help: it renames tests in a way that pytest 9.2 has no place for.
"""

import re
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

from tests.databases import BACKENDS

ROOT = Path(__file__).parent
SHARED = ("tests/federation/", "tests/payments/")  # each has pasts that all its modules go on from

# What takes longest begins first, so that all processes end together.
LONG = ("federation", "payments", "scenario", "adversary", "desk", "demo", "banking", "stateful")
# What lives whole months between servers: `make test` does so on SQLite, `make test-all`, and with
# it CI, on PostgreSQL. What their acts do to rows `make test` tests on both, room by room.
MONTHS = (
    "adversary/",
    "desk/test_month",
    "desk/test_reconcile",
    "federation/test_audit_log",
    "federation/test_connections",
    "federation/test_corrections",
    "federation/test_entities",
    "federation/test_held_by_licensors",
    "federation/test_held_money",
    "federation/test_hostile_hub",
    "federation/test_keys",
    "federation/test_late_node",
    "federation/test_live_check",
    "federation/test_missing_report",
    "federation/test_moves",
    "federation/test_objections",
    "federation/test_people",
    "federation/test_status_lists",
    "federation/test_suspension",
    "federation/test_why_corrections",
    "payments/test_left_after_set_off",
    "payments/test_month_of_payments",
    "payments/test_pay_ahead",
)
_BACKEND = re.compile(rf"::.*\b({'|'.join(BACKENDS)})\b")


class ByBackend(LoadScopeScheduling):
    """Keeps a module's tests of one backend together, and those that share federations."""

    def _split_scope(self, nodeid: str) -> str:
        module, (backend,) = nodeid.partition("::")[0], _BACKEND.findall(nodeid)[:1] or [""]
        shared = next((folder for folder in SHARED if module.startswith(folder)), module)
        where = shared if backend else module
        return f"{where} {backend}"


def turn(path: Path) -> int:
    """Return when the tests of a module begin: the lower, the earlier."""
    where = path.relative_to(ROOT).as_posix()
    return next((n for n, part in enumerate(LONG) if where.startswith(part)), len(LONG))


def is_second_life(nodeid: str) -> bool:
    """Tell whether a test lives a month on PostgreSQL that it lives on SQLite as well."""
    months = tuple(f"{ROOT.name}/{part}" for part in MONTHS)
    return nodeid.startswith(months) and _BACKEND.findall(nodeid)[:1] == ["postgres"]
