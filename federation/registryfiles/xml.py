"""The XML of a stranger, read record by record: no document type, no entity, limits.

Elements are found by their local names. A record is a child of the root; it is freed as soon as it
was read, so that memory does not grow with the file.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from federation.registryfiles.rows import ROW_BYTES_MAX, BadRegistryFileError

DEPTH_MAX: Final = 32
HEAD_BYTES_MAX: Final = 64 * 1024
TEXT_MAX: Final = 2_000
Element = Any  # lxml's stubs do not know the elements of an event

# Encodings in which every ASCII character is that one byte.
_ENCODING: Final = re.compile(r"utf-?8|(?:us-)?ascii|iso-?8859-(?:1|15)|latin-?1|windows-125[0-8]")
_DECLARED: Final = re.compile(
    rb"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']"""
)
# What may stand before the root: blanks, comments and processing instructions.
_BEFORE_ROOT: Final = re.compile(rb"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_ROOT: Final = re.compile(rb"<[A-Za-z_]")
_MAY_BEGIN: Final = (b"<", b"<!", b"<!-", b"<!--", b"<?")


class Records:
    """Takes XML in parts and gives the children of its root, each whole."""

    def __init__(self) -> None:
        self.root = ""
        self._head: bytes | None = b""
        self._depth = 0
        self._since_record = 0
        self._parser = etree.XMLPullParser(
            events=("start", "end"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )

    def feed(self, data: bytes) -> Iterator[Element]:
        """Yield the records that end in the next part (BAD_REGISTRY_FILE)."""
        if self._head is not None:
            data, self._head = self._head + data, b""
            if not _is_harmless(data):
                self._head = data
                return
            self._head = None
        self._since_record += len(data)
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError as error:
            yield from self._records()
            raise _bad(error) from error
        yield from self._records()
        self._require_more()
        if self._since_record > ROW_BYTES_MAX:
            reason = f"no record ends within {ROW_BYTES_MAX} bytes"
            raise BadRegistryFileError("the last record", reason)

    def _require_more(self) -> None:
        """Refuse what ended the parser without a word, an entity that is not defined.

        It would begin another document with what comes next, with a document type if it has one.
        """
        for entry in self._parser.feed_error_log:
            if entry.level_name == "FATAL":
                raise BadRegistryFileError(f"line {entry.line}", entry.message)

    def end(self) -> Iterator[Element]:
        """Yield what is left; XML that breaks off is refused."""
        try:
            self._parser.close()
        except etree.XMLSyntaxError as error:
            raise _bad(error) from error
        yield from self._records()

    def _records(self) -> Iterator[Element]:
        try:
            for event, element in self._parser.read_events():
                yield from self._record(event, element)
        except etree.XMLSyntaxError as error:
            raise _bad(error) from error

    def _record(self, event: str, element: Element) -> Iterator[Element]:
        if event == "start":
            self._depth += 1
            if self._depth > DEPTH_MAX:
                reason = f"deeper than {DEPTH_MAX} levels"
                raise BadRegistryFileError(f"line {element.sourceline}", reason)
            if self._depth == 1:
                self.root = local_name(element)
            return
        self._depth -= 1
        if self._depth != 1:
            return
        self._since_record = 0
        yield element
        parent = element.getparent()
        element.clear()
        if parent is not None:
            parent.text = None
            for other in list(parent)[:-1]:  # the parser still needs the last one
                parent.remove(other)


def _is_harmless(head: bytes) -> bool:
    """Tell whether the root begins in the head of a file: no document type comes after that.

    False where more has to come first; what must not stand there is refused.
    """
    body = head.removeprefix(b"\xef\xbb\xbf")
    declared = _DECLARED.match(body)
    encoding = declared.group(1).decode().lower() if declared else "utf-8"
    if _ENCODING.fullmatch(encoding) is None or b"\x00" in head:
        raise BadRegistryFileError("line 1", f"encoding {encoding!r} is not read: use UTF-8")
    found = _BEFORE_ROOT.match(body)
    rest = body[found.end() if found else 0 :]
    if _ROOT.match(rest):
        return True
    if rest and not rest.startswith((b"<!--", b"<?")) and rest not in _MAY_BEGIN:
        line = body.count(b"\n", 0, len(body) - len(rest)) + 1
        what = "a document type (DOCTYPE)" if rest.startswith(b"<!D") else "what is no XML"
        raise BadRegistryFileError(f"line {line}", f"{what} is not read")
    if len(head) > HEAD_BYTES_MAX:
        raise BadRegistryFileError("line 1", f"no element begins within {HEAD_BYTES_MAX} bytes")
    return False


def _bad(error: etree.XMLSyntaxError) -> BadRegistryFileError:
    return BadRegistryFileError(f"line {error.lineno}", str(error.msg))


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def text_of(element: Element | None) -> str:
    """Return the text of an element without surrounding space; of markup in it only the text."""
    if element is None:
        return ""
    return " ".join("".join(element.itertext()).split())[:TEXT_MAX]
