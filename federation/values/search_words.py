"""Words of a text as a search compares them: the same on every database and at every node.

A word is what lies between characters that are no letter and no digit, after NFKC, with case
folded and marks stripped: `Crème brûlée, 2.` has the words creme, brulee and 2. Of a longer word
the first 64 characters count, in what is kept and in what is asked alike: an index of PostgreSQL
holds no word of more than 2,046 bytes.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

WORD_LENGTH_MAX: Final = 64
WORDS_OF_A_THING_MAX: Final = 2_000
"""A thing is found by so many different words: of 64 characters, less than a tsvector holds."""

# What they find is the group: of a longer word, its beginning.
_ASCII_WORDS: Final = re.compile(rf"([a-z0-9]{{1,{WORD_LENGTH_MAX}}})[a-z0-9]*")
_WORDS: Final = re.compile(rf"([^\W_]{{1,{WORD_LENGTH_MAX}}})[^\W_]*")


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


def distinct_words(texts: Iterable[str]) -> list[str]:
    """Return the words that a thing is found by, each once: the first 2,000 of its texts."""
    words = dict.fromkeys(words_of(" \n ".join(texts)))
    return list(words)[:WORDS_OF_A_THING_MAX]
