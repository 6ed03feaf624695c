"""Documents that are named by their SHA-256: those once sent whole, and those an operator trusts.

Whoever is known here, a program, a person or another server, may send a document with its id once,
then the id alone. What is kept saves a document its way: it was found good when it was kept, and is
weighed each time it runs, as anybody's. Whoever sent it is the only one who can name it. What an
operator trusts anybody can name, and who is not known may ask nothing else.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Final

from federation.errors import RefusalError

PREFIX: Final = "sha256:"
LENGTH_MAX: Final = 65_536  # characters of one
KEPT_MAX: Final = 500  # of one sender
CHARACTERS_MAX: Final = 2 * 1024 * 1024  # of one sender
ALL_CHARACTERS_MAX: Final = 8 * 1024 * 1024
TRUSTED_MAX: Final = 1_000


class DocumentNotKnownError(RefusalError):
    """No document of this id was sent; send it whole, with its id."""

    code: ClassVar[str] = "DOCUMENT_NOT_KNOWN"


class BadDocumentIdError(RefusalError):
    """The id of a document is `sha256:` and the SHA-256 of its text in hexadecimal."""

    code: ClassVar[str] = "BAD_DOCUMENT_ID"


class DocumentNotTrustedError(RefusalError):
    """Who is not known here may ask by the documents that this server names, and no others."""

    code: ClassVar[str] = "DOCUMENT_NOT_TRUSTED"


class TrustedDocumentsError(RefusalError):
    """The folder of trusted documents cannot be used."""

    code: ClassVar[str] = "BAD_TRUSTED_DOCUMENTS"


def document_id(text: str) -> str:
    """Return by which id a document is named."""
    return f"{PREFIX}{sha256(text.encode()).hexdigest()}"


def require_id(name: str, text: str) -> None:
    """Refuse an id that is not that of the text beside it (BAD_DOCUMENT_ID)."""
    if name != document_id(text):
        raise BadDocumentIdError(name[:80])


def read_trusted(folder: Path) -> Mapping[str, str]:
    """Return the documents in a folder's `.graphql` files by id (BAD_TRUSTED_DOCUMENTS).

    There is one at least, and a file is one document: its id is that of its bytes.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise TrustedDocumentsError(f"{folder}: {error.strerror}") from error
    paths = [path for path in paths if path.suffix == ".graphql"]
    if not 0 < len(paths) <= TRUSTED_MAX:
        found = f"{len(paths)} files .graphql, of 1 to {TRUSTED_MAX}"
        raise TrustedDocumentsError(f"{folder}: {found}")
    texts = [_read(path) for path in paths]
    return {document_id(text): text for text in texts}


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise TrustedDocumentsError(f"{path}: it cannot be read") from error
    if len(text) > LENGTH_MAX:
        raise TrustedDocumentsError(f"{path}: more than {LENGTH_MAX} characters")
    return text


class _Shelf:
    """The documents of one sender; those named longest ago give way."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, str] = OrderedDict()
        self.characters = 0

    def put(self, name: str, text: str) -> None:
        self.kept[name] = text
        self.characters += len(text)
        while len(self.kept) > KEPT_MAX or self.characters > CHARACTERS_MAX:
            self.give_up()

    def give_up(self) -> None:
        _, given_up = self.kept.popitem(last=False)
        self.characters -= len(given_up)


class Documents:
    """The documents that were sent to a server: so many of each sender, so many of all.

    Where all have too many, whoever has most gives way.
    """

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}

    def keep(self, sender: str, name: str, text: str) -> None:
        """Keep a document that was sent whole with its id (BAD_DOCUMENT_ID)."""
        require_id(name, text)
        shelf = self._shelves.get(sender)
        if len(text) > LENGTH_MAX or (shelf and name in shelf.kept):
            return
        self._shelves.setdefault(sender, _Shelf()).put(name, text)
        while sum(each.characters for each in self._shelves.values()) > ALL_CHARACTERS_MAX:
            most = max(self._shelves, key=lambda one: self._shelves[one].characters)
            self._shelves[most].give_up()
            if not self._shelves[most].kept:
                del self._shelves[most]

    def get(self, sender: str, name: str) -> str:
        """Return the document that its sender names (DOCUMENT_NOT_KNOWN)."""
        shelf = self._shelves.get(sender)
        if shelf is None or name not in shelf.kept:
            raise DocumentNotKnownError(name[:80])
        shelf.kept.move_to_end(name)
        return shelf.kept[name]
