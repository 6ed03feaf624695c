"""What a later file means for the lists of an earlier one, pure: which stay, end or may have."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

from federation.published.rules import EVERY_USE, NotExpressed, Rule, RuleList

_pack = msgspec.msgpack.Encoder()
_rules = msgspec.msgpack.Decoder(list[Rule])
_notes = msgspec.msgpack.Decoder(list[NotExpressed])


class Compared(NamedTuple):
    """What a later file means for the lists that hold: by their digests.

    `new` are lists that come. `tightened` end by themselves, as a list that is at least as strict
    has taken their place; `missing` have nothing in their place, so a person decides.
    """

    new: Mapping[str, RuleList]
    tightened: frozenset[str]
    missing: frozenset[str]


def compare(held: Mapping[str, RuleList], read: Sequence[RuleList]) -> Compared:
    """Compare the lists that hold, by digest, with those of a later file."""
    there = {digest_of(each): each for each in read}
    gone = {digest: each for digest, each in held.items() if digest not in there}
    strict = {_content(each) for each in there.values()}
    tightened = frozenset(
        digest
        for digest, old in ((digest, _content(each)) for digest, each in gone.items())
        if any(_is_at_least_as_strict(new, old) for new in strict)
    )
    new = {digest: each for digest, each in there.items() if digest not in held}
    return Compared(new, tightened, frozenset(gone) - tightened)


def digest_of(each: RuleList) -> str:
    """Return the name of a list by what it says: uses and rules, not where they stand."""
    uses, refused, allowed = _content(each)
    return sha256(msgspec.json.encode([sorted(uses), sorted(refused), sorted(allowed)])).hexdigest()


class _Content(NamedTuple):
    uses: frozenset[str]
    refused: frozenset[str]
    allowed: frozenset[str]


def _content(each: RuleList) -> _Content:
    paths = {
        allow: frozenset(rule.path for rule in each.rules if rule.allow is allow)
        for allow in (False, True)
    }
    return _Content(frozenset(each.uses), paths[False], paths[True])


def _is_at_least_as_strict(new: _Content, old: _Content) -> bool:
    """Tell whether all that one list reserves is reserved by another: it refuses no less of it.

    Where the old list refuses, the new one has the same rule, and nothing that is allowed beside it
    was not allowed there already, and outdone.
    """
    is_for_all = EVERY_USE in new.uses or old.uses <= new.uses
    return is_for_all and old.refused <= new.refused and new.allowed <= old.allowed


def packed_rules(rules: Iterable[Rule]) -> bytes:
    """Write rules as they are kept."""
    return zlib.compress(_pack.encode(list(rules)), 6)


def unpacked_rules(data: bytes) -> list[Rule]:
    """Read rules as they are kept."""
    return _rules.decode(zlib.decompress(data))


def packed_notes(notes: Iterable[NotExpressed]) -> bytes:
    """Write what was not expressed as it is kept."""
    return zlib.compress(_pack.encode(list(notes)), 6)


def unpacked_notes(data: bytes) -> list[NotExpressed]:
    """Read what was not expressed as it is kept."""
    return _notes.decode(zlib.decompress(data))
