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
SORTED_BY_MAX: Final = 200
"""Things are put in order by so many characters of their titles or names, then by their ids."""

# Most texts are ASCII, and a catalogue has millions: a table and a split are a third of the price.
_ASCII: Final = "".join(chr(n).lower() if chr(n).isalnum() else " " for n in range(128))
# What is found is the group: of a longer word, its beginning.
_WORDS: Final = re.compile(rf"([^\W_]{{1,{WORD_LENGTH_MAX}}})[^\W_]*")


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order, each as often as it stands there."""
    if text.isascii():
        words = text.translate(_ASCII).split()
        is_long = len(text) > WORD_LENGTH_MAX and max(map(len, words), default=0) > WORD_LENGTH_MAX
        return [word[:WORD_LENGTH_MAX] for word in words] if is_long else words
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(
        character
        for character in unicodedata.normalize("NFD", folded)
        if not unicodedata.category(character).startswith("M")
    )
    return _WORDS.findall(unicodedata.normalize("NFC", bare))


def sorting_text(text: str) -> str:
    """Return a title or a name as it is put in order: its words, cut at 200 characters."""
    return " ".join(words_of(text))[:SORTED_BY_MAX]


def distinct_words(texts: Iterable[str]) -> list[str]:
    """Return the words that a thing is found by, each once: the first 2,000 of its texts."""
    words = dict.fromkeys(words_of(" \n ".join(texts)))
    return list(words)[:WORDS_OF_A_THING_MAX]
