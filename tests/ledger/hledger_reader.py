"""A strict reader of hledger journals that adds everything again: a judge where hledger is not.

It knows only what our writer writes, and refuses everything else. hledger itself judges in
`make judges`.
"""

import re
from collections import defaultdict

from federation.money import exponent

_POSTING = re.compile(
    r"    (?P<account>\S+)  (?P<amount>\S+) (?P<currency>[A-Z]{3})"
    r"(?: = (?P<balance>\S+) (?P<same>[A-Z]{3}))?"
)


def read(text):
    """Return {(account, currency): minor units}; raise ValueError for what does not add up."""
    sums, declared, asserted = defaultdict(int), set(), set()
    open_sums = {}
    for line in [*text.splitlines(), ""]:
        if not line:
            _require(not any(open_sums.values()), f"a transaction does not balance: {open_sums}")
            open_sums = {}
        elif line.startswith(("account ", "commodity ")):
            declared.add(line.split(" ", 1)[1].split(" ")[-1])
        elif found := _POSTING.fullmatch(line):
            key = (found["account"], found["currency"])
            _require(set(key) <= declared, f"not declared: {key}")
            amount = _minor(found["amount"], found["currency"])
            sums[key] += amount
            open_sums[key[1]] = open_sums.get(key[1], 0) + amount
            if found["balance"]:
                _require(found["same"] == key[1], f"another currency: {line}")
                asserted.add(key)
                stated = _minor(found["balance"], found["currency"])
                _require(stated == sums[key], f"{key}: {stated} stated, {sums[key]} found")
        else:
            known = line.startswith(("; ", "    ; ")) or re.match(r"\d{4}-\d\d-\d\d \* \S", line)
            _require(known, f"unknown: {line}")
    _require(asserted == set(sums), "a balance is not stated")
    return dict(sums)


def _minor(text, currency):
    digits = exponent(currency)
    pattern = rf"-?(0|[1-9][0-9]*)\.[0-9]{{{digits}}}" if digits else r"-?(0|[1-9][0-9]*)"
    _require(re.fullmatch(pattern, text), f"no amount of {currency}: {text}")
    return int(text.replace(".", ""))


def _require(condition, what):
    if not condition:
        raise ValueError(what)
