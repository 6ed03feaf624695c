"""Documents that a server asks by their SHA-256 once it has sent them whole: kept where it asks.

What is kept saves a document its way; it is weighed each time it runs, as anybody's. Whoever sent a
document is the only one who can name it.
"""

from collections import OrderedDict
from hashlib import sha256
from typing import ClassVar, Final

from federation.errors import RefusalError

PREFIX: Final = "sha256:"
LENGTH_MAX: Final = 65_536  # characters of one
KEPT_MAX: Final = 500
CHARACTERS_MAX: Final = 2 * 1024 * 1024  # of all


class DocumentNotKnownError(RefusalError):
    """No document of this id was sent; send it whole, with its id."""

    code: ClassVar[str] = "DOCUMENT_NOT_KNOWN"


class BadDocumentIdError(RefusalError):
    """The id of a document is `sha256:` and the SHA-256 of its text in hexadecimal."""

    code: ClassVar[str] = "BAD_DOCUMENT_ID"


def document_id(text: str) -> str:
    """Return by which id a document is named."""
    return f"{PREFIX}{sha256(text.encode()).hexdigest()}"


class Documents:
    """The documents that were sent to a server; those named longest ago give way."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._characters = 0

    def keep(self, sender: str, name: str, text: str) -> None:
        """Keep a document that was sent whole with its id (BAD_DOCUMENT_ID)."""
        if name != document_id(text):
            raise BadDocumentIdError(name[:80])
        key = sender, name
        if len(text) > LENGTH_MAX or key in self._kept:
            return
        self._kept[key] = text
        self._characters += len(text)
        while len(self._kept) > KEPT_MAX or self._characters > CHARACTERS_MAX:
            _, given_up = self._kept.popitem(last=False)
            self._characters -= len(given_up)

    def get(self, sender: str, name: str) -> str:
        """Return the document that its sender names (DOCUMENT_NOT_KNOWN)."""
        key = sender, name
        if key not in self._kept:
            raise DocumentNotKnownError(name[:80])
        self._kept.move_to_end(key)
        return self._kept[key]
