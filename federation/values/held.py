"""Who stands in a party's or a member's place while money is held (SETTLEMENT §3 and §4).

Such a name begins with `~`, which no party's and no member's id does. The reason why something is
held is the same word without the `~`, and without the node that a late share is held for.
"""

UNMATCHED, DISPUTED, LATE = "UNMATCHED", "DISPUTED", "LATE"  # reasons
NO_RECIPIENT = "NO_RECIPIENT"  # within a node: nobody was there to share with
UNMATCHED_PARTY = f"~{UNMATCHED}"
DISPUTED_PARTY = f"~{DISPUTED}"
_LATE_PARTY = f"~{LATE}:"


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
