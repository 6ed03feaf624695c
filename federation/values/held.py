"""Why money is held, and who stands in a party's or a member's place (SETTLEMENT §3, §4 and §6).

Such a name begins with `~`, which no party's and no member's id does. The reason why something is
held is the same word without the `~`, and without the node that a late share is held for.
"""

import re

UNMATCHED, DISPUTED, LATE = "UNMATCHED", "DISPUTED", "LATE"  # reasons
NO_RECIPIENT = "NO_RECIPIENT"  # within a node: nobody was there to share with
NO_USAGE, NOT_COLLECTED = "NO_USAGE", "NOT_COLLECTED"  # of a licence, a month
# Of a member or a payee that is known.
BELOW_MINIMUM, SET_OFF = "BELOW_MINIMUM", "SET_OFF"
ACCOUNT_MISSING, ACCOUNT_INVALID = "ACCOUNT_MISSING", "ACCOUNT_INVALID"
TAX_DATA_MISSING = "TAX_DATA_MISSING"
# Every word that says why money is held.
REASONS = (
    UNMATCHED,
    DISPUTED,
    LATE,
    NO_RECIPIENT,
    NO_USAGE,
    NOT_COLLECTED,
    BELOW_MINIMUM,
    SET_OFF,
    ACCOUNT_MISSING,
    ACCOUNT_INVALID,
    TAX_DATA_MISSING,
)
UNMATCHED_PARTY = f"~{UNMATCHED}"
DISPUTED_PARTY = f"~{DISPUTED}"
_LATE_PARTY = f"~{LATE}:"
CLAIM_NUMBER = "HC-[A-Z0-9-]{2,12}-[0-9]{6,8}"
"""What the number of a claim on held money looks like."""


def late_party(node: str) -> str:
    """Return who holds the share of a node whose usage report was declared missing."""
    return f"{_LATE_PARTY}{node}"


def late_node(party: str) -> str | None:
    """Return the node for which a late share is held, None of another party."""
    return party.removeprefix(_LATE_PARTY) if party.startswith(_LATE_PARTY) else None


def is_held(party: str) -> bool:
    """Tell whether a party's name stands for money that is held."""
    return party.startswith("~")


def reason_held(party: str) -> str:
    """Return why a `~` party's share is held: UNMATCHED, DISPUTED or LATE."""
    return party.removeprefix("~").partition(":")[0]


def held_party(reason: str) -> str:
    """Return the party of a reason that names no node: `~UNMATCHED` or `~DISPUTED`."""
    return f"~{reason}"


def claim_number(node: str, count: int) -> str:
    """Return the number of a node's n-th claim on held money, `HC-GB-000001`."""
    return f"HC-{node}-{count:06d}"


def is_claim_number(text: str, *, of: str = "") -> bool:
    """Tell whether a text is the number of a claim on held money; of a node where one is named."""
    shape = rf"HC-{re.escape(of)}-[0-9]{{6,8}}" if of else CLAIM_NUMBER
    return re.fullmatch(shape, text) is not None
