"""Which tests stay together in one process, and what begins first: it decides how long a run takes.

`--dist loadgroup` is no help: it renames tests in a way that pytest 9.2 has no place for.
"""

import re
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

from tests.databases import BACKENDS

ROOT = Path(__file__).parent
FEDERATIONS = "tests/federation/"

# What takes longest begins first, so that all processes end together.
LONG = ("federation", "settlement/payments", "banking", "scenario", "demo", "stateful", "story")
_BACKEND = re.compile(rf"::.*\b({'|'.join(BACKENDS)})\b")


class ByBackend(LoadScopeScheduling):
    """Keeps a module's tests of one backend together, and all of the federations they share."""

    def _split_scope(self, nodeid: str) -> str:
        module, (backend,) = nodeid.partition("::")[0], _BACKEND.findall(nodeid)[:1] or [""]
        where = FEDERATIONS if backend and module.startswith(FEDERATIONS) else module
        return f"{where} {backend}"


def turn(path: Path) -> int:
    """Return when the tests of a module begin: the lower, the earlier."""
    where = path.relative_to(ROOT).as_posix()
    return next((n for n, part in enumerate(LONG) if where.startswith(part)), len(LONG))
