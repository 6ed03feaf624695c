"""Which files are readable before anything is bought: those in which a site reserves its rights.

A reservation that a crawler cannot read is none (art. 4(3) of Directive (EU) 2019/790 asks for
machine-readable means), so a gate never stands before it. By name: robots.txt (RFC 9309), ai.txt
(Spawning), trust.txt (JournalList), license.xml (RSL), and everything below `/.well-known/`, where
a site speaks about itself and publishes nothing (RFC 8615; `tdmrep.json` is the W3C's TDMRep).
"""

import re
from typing import Final

from federation.gate.asks import Scope, raw_path

LICENCE_PATH: Final = "/license.xml"
RESERVATIONS: Final = frozenset({"/robots.txt", "/ai.txt", "/trust.txt", LICENCE_PATH})
_WELL_KNOWN: Final = re.compile(r"/\.well-known(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")


def is_reservation(scope: Scope) -> bool:
    """Tell whether a request is for such a file; an address with escapes or dots is for none.

    Nor is one below a place where the application is mounted: it goes by what stands behind that.
    """
    if scope.get("root_path"):
        return False
    path: str = scope["path"]
    if raw_path(scope) != path.encode(errors="replace"):
        return False
    return path in RESERVATIONS or _WELL_KNOWN.fullmatch(path) is not None
