"""Text in the Latin character set that every bank in SEPA takes (EPC217-08, 1.4). Pure.

The set is `a-z A-Z 0-9 / - ? : ( ) . , ' +` and the blank. Letters of all scripts are written with
Latin ones; other characters become one that looks alike, or a blank.
"""

from anyascii import anyascii

_PUNCTUATION = frozenset("/-?:().,'+ ")
_ALIKE = str.maketrans('&_;"`<>[]{}', "+-,''()()()")


def latin(text: str) -> str:
    """Return a text in the Latin set, without blanks around it and never two in a row."""
    written = anyascii("".join(c if c.isprintable() else " " for c in text)).translate(_ALIKE)
    kept = (c if (c.isascii() and c.isalnum()) or c in _PUNCTUATION else " " for c in written)
    return " ".join("".join(kept).split())
