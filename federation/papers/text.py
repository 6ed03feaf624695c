"""What of a text can stand on a page: letters of the font, written left to right. Pure.

A word with anything else is written in Latin letters between angle marks, so that nobody takes
that for its spelling: scripts that the font lacks or that are written from right to left, and
whatever would turn what stands beside it around or cannot be seen.
"""

import unicodedata
from collections.abc import Container
from typing import Final

from anyascii import anyascii

TEXT_MAX: Final = 2_000  # characters of one text that are printed, where the paper says no other
OPENED: Final = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
CLOSED: Final = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Mc", "Me", "Zl", "Zp"})
_TURNED: Final = frozenset({"R", "AL", "AN", "LRE", "LRO", "RLE", "RLO", "PDF", "BN"})


def printed(text: str, glyphs: Container[int], length_max: int = TEXT_MAX) -> str:
    """Return a text as it is printed with a font that has these `glyphs` (code points).

    Blanks of every kind are one blank. Behind `length_max` characters it says how many there are.
    """
    shown = text[:length_max]
    words = unicodedata.normalize("NFC", shown).split()
    written = " ".join(_word(word, glyphs) for word in words)
    return written if len(text) <= length_max else f"{written} ... ({len(text)} characters)"


def _word(word: str, glyphs: Container[int]) -> str:
    if word.isascii() and word.isprintable():
        return word
    if all(_stands(sign, glyphs) for sign in word):
        return word
    latin = "".join(sign for sign in anyascii(word) if sign.isprintable()).strip()
    return f"{OPENED}{latin or ' '.join(f'U+{ord(sign):04X}' for sign in word)}{CLOSED}"


def _stands(sign: str, glyphs: Container[int]) -> bool:
    return (
        ord(sign) in glyphs
        and unicodedata.category(sign) not in _UNSEEN
        and unicodedata.bidirectional(sign) not in _TURNED
    )
