"""The member's terms, `license.xml` (RSL): pulled from the node, kept on disk, served by the gate.

What the node sends is XML of a stranger to every crawler that reads it, so it is kept only if it
is one document of the RSL namespace, without a document type and its entities.
"""

import logging
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Final, NoReturn
from urllib.parse import quote
from xml.parsers import expat

from federation.access.wire import Call, Fetch, fetch
from federation.errors import RefusalError, answered
from federation.gate.answers import Response
from federation.gate.whole_files import replace_whole

TERMS_SECONDS: Final = 300.0
TERMS_BYTES_MAX: Final = 1 << 20
MEDIA_TYPE: Final = b"application/rsl+xml"
_ROOT: Final = "https://rslstandard.org/rsl rsl"
_log = logging.getLogger(__name__)


class TermsNotServedError(RefusalError):
    """The node did not serve the member's terms."""

    code: ClassVar[str] = "TERMS_NOT_SERVED"


class MalformedTermsError(RefusalError):
    """What the node sent is no document of terms."""

    code: ClassVar[str] = "MALFORMED_TERMS"


class TermsSource:
    """Pulls one member's terms and holds the last good ones."""

    def __init__(self, node: str, member_id: str, *, path: Path, fetch: Fetch = fetch) -> None:
        self._url = f"{node.rstrip('/')}/sites/{quote(member_id, safe='')}/license.xml"
        self._path = path
        self._fetch = fetch
        self._etag: str | None = None
        self._looked_at = 0  # which file on disk was read, by when it was written
        self._held: Response | None = None
        self._look_on_disk()

    def current(self) -> Response | None:
        """Return the answer to whoever asks for the terms; None before any have come.

        A process that has none yet takes what another one has on disk, as it does its policy.
        """
        if self._held is None:
            self._look_on_disk()
        return self._held

    def _look_on_disk(self) -> None:
        with suppress(OSError):
            written = self._path.stat().st_mtime_ns
            if written != self._looked_at:
                self._looked_at = written
                found = self._load()
                self._held = self._held or found

    def refresh(self) -> None:
        """Ask the node for the terms; what is none changes nothing."""
        headers = {"Accept": MEDIA_TYPE.decode()}
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        answer = self._fetch(Call("GET", self._url, headers, answer_bytes_max=TERMS_BYTES_MAX))
        if answer.status in {HTTPStatus.NOT_MODIFIED, HTTPStatus.NOT_FOUND}:
            return  # nothing new, or a node that serves no terms
        if answer.status != HTTPStatus.OK:
            raise TermsNotServedError(answered(answer.status, answer.body))
        held = _served(answer.body)
        self._save(answer.body)
        self._held, self._etag = held, answer.headers.get("etag")

    def _load(self) -> Response | None:
        try:
            return _served(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, MalformedTermsError) as error:
            _log.warning("the terms on disk are set aside: %s", error)
            return None

    def _save(self, body: bytes) -> None:
        replace_whole(self._path, body)


def require_terms(body: bytes) -> None:
    """Refuse what is not one well-formed document of RSL, or declares entities."""
    roots: list[str] = []

    def refuse(*_: object) -> NoReturn:
        raise MalformedTermsError("a document type")

    def begin(name: str, _attributes: object) -> None:
        if not roots:
            roots.append(name)

    parser = expat.ParserCreate("UTF-8", " ")
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = begin
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise MalformedTermsError(str(error)) from None
    if roots != [_ROOT]:
        raise MalformedTermsError("its root is not that of RSL")


def _served(body: bytes) -> Response:
    require_terms(body)
    headers = (
        (b"content-type", MEDIA_TYPE),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", f"max-age={int(TERMS_SECONDS)}".encode()),
        (b"etag", f'"{sha256(body).hexdigest()[:32]}"'.encode()),
    )
    return Response(200, headers, body)
