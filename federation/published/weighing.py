"""Written rules as lists that are weighed as their file weighs them, or more strictly.

A list of ours is decided by the length of a path as it is spelled here. Where a file would decide
otherwise between two rules, what it refuses stands, and that is noted: never is less reserved than
it says.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from federation.addresses.matching import rule_length
from federation.published.patterns import Pattern, read_pattern
from federation.published.rules import WIDER, Notes, Rule, RuleList, shortened

_COMPARED_MAX: Final = 200_000
_ALONE: Final = "a permission that its file puts behind it would win here: it stands alone"
_OUTWEIGHS: Final = "here it outweighs a permission that its file puts first"


class Written(NamedTuple):
    """A rule as it is written: its path, and where and in which text it stands."""

    path: str
    allow: bool
    place: str
    text: str


class _Weighed(NamedTuple):
    rule: Rule
    rank: int  # in the file

    @property
    def length(self) -> int:
        return rule_length(self.rule.path)


def lists_of(
    name: str,
    uses: tuple[str, ...],
    written: Iterable[Written],
    notes: Notes,
    *,
    is_strict: bool = False,
    do_stars_count: bool = True,
) -> list[RuleList]:
    """Return the lists that some rules make: those that are exact, and those that reach further.

    With `is_strict` what disallows comes before what allows and is equally long, and without
    `do_stars_count` a `*` makes no rule longer.
    """
    exact, wider = list[_Weighed](), list[Rule]()
    for each in written:
        pattern = read_pattern(each.path)
        rules = _rules(each, pattern)
        if pattern.why is None:
            rank = pattern.rank - (0 if do_stars_count else each.path.count("*"))
            exact += [_Weighed(rule, rank) for rule in rules]
            continue
        reserved = [rule.path for rule in rules if not rule.allow]
        notes.add(each.place, each.text, pattern.why, reserved)
        wider += [] if each.allow else rules
    weighed, alone = _in_their_order(exact, notes, is_strict=is_strict)
    return [
        RuleList(shortened(name), uses, tuple(dict.fromkeys(weighed))),
        RuleList(shortened(name) + WIDER, uses, tuple(dict.fromkeys(wider + alone))),
    ]


def _rules(written: Written, pattern: Pattern) -> list[Rule]:
    """Return a rule for each spelling of a path."""
    text = shortened(written.text)
    paths = pattern.paths if written.allow else (*pattern.paths, *pattern.literally)
    return [Rule(path, written.allow, written.place, text) for path in paths]


def _in_their_order(
    rules: Sequence[_Weighed], notes: Notes, *, is_strict: bool
) -> tuple[list[Rule], list[Rule]]:
    """Return the rules that are weighed here as in their file, and those that stand alone.

    A refusal stands alone, whatever else is allowed, if our lengths would let a permission win
    that its file puts behind it.
    """
    if not is_strict and all(each.rank == each.length for each in rules):
        return [each.rule for each in rules], []
    permissions = [each for each in rules if each.rule.allow]
    is_endless = len(permissions) * (len(rules) - len(permissions)) > _COMPARED_MAX
    weighed, alone = list[Rule](), list[Rule]()
    for each in rules:
        if each.rule.allow:
            weighed.append(each.rule)
        elif is_endless or any(_is_outweighed(by, each, is_strict) for by in permissions):
            alone.append(each.rule)
            notes.add(each.rule.place, each.rule.text, _ALONE, (each.rule.path,))
        else:
            weighed.append(each.rule)
            if any(_outweighs(each, by, is_strict) for by in permissions):
                notes.add(each.rule.place, each.rule.text, _OUTWEIGHS, (each.rule.path,))
    return weighed, alone


def _is_first(refusal: _Weighed, permission: _Weighed, is_strict: bool) -> bool:
    """Tell whether the file puts what is disallowed before what is allowed."""
    return refusal.rank > permission.rank or (is_strict and refusal.rank == permission.rank)


def _is_outweighed(permission: _Weighed, refusal: _Weighed, is_strict: bool) -> bool:
    return (
        _is_first(refusal, permission, is_strict)
        and permission.length >= refusal.length
        and _may_meet(permission.rule.path, refusal.rule.path)
    )


def _outweighs(refusal: _Weighed, permission: _Weighed, is_strict: bool) -> bool:
    return (
        not _is_first(refusal, permission, is_strict)
        and refusal.length > permission.length
        and _may_meet(permission.rule.path, refusal.rule.path)
    )


def _may_meet(one: str, other: str) -> bool:
    """Tell whether some path may match both: one starts as the other does, up to a `*`."""
    first, second = (path.removesuffix("$").partition("*")[0] for path in (one, other))
    return first.startswith(second) or second.startswith(first)
