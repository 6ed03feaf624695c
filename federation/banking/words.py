"""How names and references are compared, so that a person can see why. Pure."""

import re
import unicodedata
from functools import lru_cache

REFERENCE_LENGTH_MIN = 5
REFERENCE_LENGTH_MAX = 35
WORDS_MAX, JOINED_MAX = 80, 7

REMEMBERED = 100_000  # names and references come again and again

_WORD, _DIGIT = re.compile(r"[A-Z0-9]+"), re.compile(r"[0-9]")
_LEGAL_FORMS = frozenset(
    {"AB", "AG", "AS", "ASA", "BV", "CO", "CORP", "EV", "GMBH", "INC", "KG", "KK", "LIMITED"}
    | {"LLC", "LLP", "LTD", "MBH", "NV", "OY", "PLC", "PTE", "PTY", "SA", "SARL", "SAS", "SE"}
    | {"SL", "SPA", "SRL", "THE"}
)


@lru_cache(REMEMBERED)
def reference_key(written: str) -> str:
    """Return a reference without what is typed differently: case, blanks, hyphens, slashes."""
    return "".join(_WORD.findall(written.upper()))


@lru_cache(1_000)  # of one entry, while its candidates are compared
def keys_in(text: str) -> tuple[str, ...]:
    """Return what may be a reference in a free text: words, and neighbours joined.

    So `INV-HUB-000001`, `inv hub 000001` and `RF18 5390 0754 7034` are all found. A reference has
    a digit and five characters at least, or any word would be one.
    """
    words = _WORD.findall(text.upper())[:WORDS_MAX]
    found: dict[str, None] = {}
    for start in range(len(words)):
        joined = ""
        for word in words[start : start + JOINED_MAX]:
            joined += word
            if len(joined) > REFERENCE_LENGTH_MAX:
                break
            if is_reference(joined):
                found[joined] = None
    return tuple(found)


def is_reference(key: str) -> bool:
    """Say whether a key is long enough to name one thing."""
    return len(key) >= REFERENCE_LENGTH_MIN and _DIGIT.search(key) is not None


@lru_cache(REMEMBERED)
def name_words(name: str) -> frozenset[str]:
    """Return the words of a name: no accents, no case, no legal form."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in plain if not unicodedata.combining(c)).upper()
    words = frozenset(re.findall(r"\w+", plain))
    return words - _LEGAL_FORMS or words


def alike_percent(one: str, other: str) -> int:
    """Return how much of two names is common: shared words of all words, in percent."""
    ours, theirs = name_words(one), name_words(other)
    return 100 * len(ours & theirs) // len(ours | theirs) if ours | theirs else 0
