"""Words of a text as a search compares them: the same on every database and at every node.

A word is what lies between characters that are no letter and no digit, after NFKC, with case
folded and marks stripped: `Crème brûlée, 2.` has the words creme, brulee and 2.
"""

import re
import unicodedata
from typing import Final

_ASCII_WORDS: Final = re.compile(r"[a-z0-9]+")
_WORDS: Final = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order, each as often as it stands there."""
    if text.isascii():
        return _ASCII_WORDS.findall(text.lower())
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(
        character
        for character in unicodedata.normalize("NFD", folded)
        if not unicodedata.category(character).startswith("M")
    )
    return _WORDS.findall(unicodedata.normalize("NFC", bare))
