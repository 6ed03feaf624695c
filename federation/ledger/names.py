"""How the journal's entries about a month's run are named.

- `run/2026-09/HUB-000001`: the revenue of a licence key, in its licensor's books
- `clearing/2026-09`, `distribution/2026-09`: what is cleared; what a node shares out
- `correction/<16 digits of the run>/…`: the same of a correction, and what it leaves a node to owe
"""

from federation.values.licence_key import LicenceKey
from federation.values.month import Month

RUN, CLEARING, DISTRIBUTION = "run", "clearing", "distribution"
OF_A_RUN = (RUN, CLEARING, DISTRIBUTION)


def of_month(kind: str, period: Month) -> str:
    """Return the name of a kind of entry of a month's run; those of RUN are below it."""
    return f"{kind}/{period}"


def of_correction(what: str, run_id: str) -> str:
    """Return the name of an entry of a correction: of a kind, or about a node by its code."""
    return f"correction/{run_id[:16]}/{what}"


def below(name: str, key: str = "") -> str:
    """Return the name of the entry for a licence key; without one, how all of them begin."""
    return f"{name}/{key}"


def key_in(document: str, name: str) -> LicenceKey:
    """Return the licence key of an entry below a name."""
    return LicenceKey(document.removeprefix(below(name)))
