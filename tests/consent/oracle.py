"""May a work be put to a use, written a second time from SETTLEMENT §3 and nothing else.

It asks of each clause in turn whether it refuses, in the words of the rules; it knows no reasons.
"""

OPTS_OUT = {"OPT_OUT", "RESERVED_EX_ANTE"}
AGREES = {"OPTED_IN", "MANDATED", "EXTENDED"}
REFUSES = {"WITHHELD", "WITHDRAWN"}


def is_open(groups, use, at):
    """Tell whether nothing refuses a use at an instant; the most specific subject comes first."""
    now = [[one for one in group if _acts(one, at)] for group in groups]
    return not (
        _is_opted_out(now, use) or _is_reserved_by_a_source(now, use) or _is_refused(now, use)
    )


def _acts(one, at):
    return one.effective_at <= at and not (one.ends_at is not None and one.ends_at <= at)


def _is_for(one, use):
    return one.use in {"*", use}


def _is_opted_out(groups, use):
    return any(one.state in OPTS_OUT and _is_for(one, use) for group in groups for one in group)


def _is_reserved_by_a_source(groups, use):
    rules = [
        one
        for group in groups
        for one in group
        if one.state.startswith("PUBLISHED") and _is_for(one, use)
    ]
    for source in {one.source for one in rules}:
        own = [one for one in rules if one.source == source]
        longest = max(one.length for one in own)
        winning = {one.state for one in own if one.length == longest}
        if "PUBLISHED_ALLOW" not in winning:
            return True
    return False


def _is_refused(groups, use):
    for group in groups:
        records = [one for one in group if one.state in AGREES | REFUSES]
        for_use = [one for one in records if _is_for(one, use)]
        if for_use:
            last = max(one.effective_at for one in for_use)
            return any(one.state in REFUSES for one in for_use if one.effective_at == last)
        if any(one.state == "MANDATED" for one in records):
            return True
    return False
