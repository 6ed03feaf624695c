"""The three fields of a signed request, read strictly (RFC 8941, RFC 9421 section 4).

`Signature-Input`, `Signature` and `Signature-Agent` are dictionaries of structured fields. Read is
what request signatures need, in the one spelling in which RFC 8941 writes it, so that the text of a
member is what was signed. Anything else is refused: escapes in strings, decimals, spaces within a
member, a label twice (RFC 8941 would take the last).
"""

import base64
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

FIELD_CHARS_MAX: Final = 4096
LABELS_MAX: Final = 4
COMPONENTS_MAX: Final = 32
PARAMETERS_MAX: Final = 16

_KEY: Final = r"[a-z*][a-z0-9_.*-]{0,63}"
_STRING: Final = r'"[ !#-\[\]-~]*"'
_TOKEN: Final = r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"  # noqa: S105 - of RFC 8941
_BARE: Final = rf"(?:{_STRING}|-?(?:0|[1-9][0-9]{{0,14}})|\?[01]|:[A-Za-z0-9+/]*={{0,2}}:|{_TOKEN})"
_PARAMETERS: Final = rf"(?:;{_KEY}(?:={_BARE})?)*"
_IDENTIFIER: Final = rf"{_STRING}{_PARAMETERS}"
_INPUT: Final = re.compile(
    rf"({_KEY})=(\(((?:{_IDENTIFIER}(?: {_IDENTIFIER})*)?)\)({_PARAMETERS}))"
)
_SIGNATURE: Final = re.compile(rf"({_KEY})=:([A-Za-z0-9+/]*={{0,2}}):")
_AGENT: Final = re.compile(rf"({_KEY})=({_STRING}{_PARAMETERS})")
_OLD_AGENT: Final = re.compile(_STRING)
_ONE_PARAMETER: Final = re.compile(rf";({_KEY})(?:=({_BARE}))?")
_ONE_IDENTIFIER: Final = re.compile(rf"({_STRING})({_PARAMETERS})(?: |\Z)")
_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")


class MalformedFieldError(ValueError):
    """A field is not spelled as this profile reads it, or is too large."""


class Input(NamedTuple):
    """One member of Signature-Input.

    `text` is all of it, as it is signed under `@signature-params`; `components` are pairs of the
    quoted name and the text of its parameters; `parameters` are texts as spelled.
    """

    text: str
    components: list[tuple[str, str]]
    parameters: dict[str, str]


def joined(values: Sequence[str]) -> str:
    """Return the lines of one field as one (RFC 9110, section 5.3), within its limit."""
    text = ", ".join(values) if len(values) > 1 else values[0]
    if len(text) > FIELD_CHARS_MAX:
        raise MalformedFieldError(f"more than {FIELD_CHARS_MAX} characters")
    return text


def read_inputs(values: Sequence[str]) -> dict[str, Input]:
    """Read Signature-Input: what is signed under each label, and how."""
    return {
        label: Input(found[2], _components(found[3]), _parameters(found[4]))
        for label, found in _members(values, _INPUT).items()
    }


def read_signatures(values: Sequence[str]) -> dict[str, bytes]:
    """Read Signature: the bytes under each label."""
    return {label: _bytes(found[2]) for label, found in _members(values, _SIGNATURE).items()}


def read_agents(values: Sequence[str]) -> dict[str, str]:
    """Read Signature-Agent: the text of each member; none where it is one string, as of old."""
    if len(values) == 1 and _OLD_AGENT.fullmatch(joined(values)):
        return {}
    return {key: found[2] for key, found in _members(values, _AGENT).items()}


def _members(values: Sequence[str], pattern: re.Pattern[str]) -> dict[str, re.Match[str]]:
    text = joined(values).strip(" \t")
    found: dict[str, re.Match[str]] = {}
    place = 0
    while True:
        member = pattern.match(text, place)
        if member is None:
            raise MalformedFieldError(f"not a member of the dictionary at character {place}")
        if member[1] in found:
            raise MalformedFieldError("a label twice")
        found[member[1]] = member
        if len(found) > LABELS_MAX:
            raise MalformedFieldError(f"more than {LABELS_MAX} labels")
        if member.end() == len(text):
            return found
        comma = _COMMA.match(text, member.end())
        if comma is None:
            raise MalformedFieldError(f"no comma at character {member.end()}")
        place = comma.end()


def _components(text: str) -> list[tuple[str, str]]:
    found = [(name, parameters) for name, parameters in _ONE_IDENTIFIER.findall(text)]
    if len(found) > COMPONENTS_MAX:
        raise MalformedFieldError(f"more than {COMPONENTS_MAX} components")
    return found


def _parameters(text: str) -> dict[str, str]:
    pairs: list[tuple[str, str]] = _ONE_PARAMETER.findall(text)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedFieldError("a parameter twice")
    if len(found) > PARAMETERS_MAX:
        raise MalformedFieldError(f"more than {PARAMETERS_MAX} parameters")
    return found


def _bytes(text: str) -> bytes:
    """Decode base64 that has one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise MalformedFieldError("not base64") from None
    if base64.b64encode(raw) != text.encode():
        raise MalformedFieldError("not canonical base64")
    return raw
