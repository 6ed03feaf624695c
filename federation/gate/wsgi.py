"""The gate before a WSGI application (PEP 3333): the same judgement and the same answers."""

import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

from federation.gate.answers import Headers, Response
from federation.gate.asks import Scope
from federation.gate.background import Background
from federation.gate.gate import Answered, Gate, Visit
from federation.gate.metering import Meter
from federation.gate.refusals import SpoolError

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
Instead = Callable[[SpoolError], Response]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
UNSEEN_BODIES: Final = ("wsgi.file_wrapper", "werkzeug.socket", "gunicorn.socket")
"""By which content leaves that is no part of the iterable, or a connection is taken over."""
HUNG_UP: Final = "waitress.client_disconnected"
"""What of a server's environment tells that nobody takes the answer any more (waitress, if it looks
ahead: `channel_request_lookahead`); other servers end the body then."""
_RAW_TARGETS: Final = ("RAW_URI", "REQUEST_URI")
_SAFE: Final = "/:@!$&'()*+,;=~-._"


class WsgiGate:
    """WSGI middleware that serves crawlers under a licence and records what they took."""

    def __init__(self, app: App, gate: Gate, background: Background | None = None) -> None:
        self._app = app
        self.gate = gate
        self.background = background
        # WSGI says nothing of the end: when the process ends in order, what it counted is on disk.
        weakref.finalize(self, gate.close)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self.background is not None:
            self.background.start()
        scope = scope_of(environ)
        decision = self.gate.decide(scope)
        if isinstance(decision, Visit):
            return self._serve(decision, scope, environ, start_response)
        if isinstance(decision, Answered):
            return _answer(decision.response, scope, start_response)
        if decision.headers:
            start_response = _marked(start_response, decision.headers)
        return self._app(environ, start_response)

    def _serve(
        self, visit: Visit, scope: Scope, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        meter = Meter(self.gate, visit, is_bodiless=scope["method"] == "HEAD")
        is_gone = environ.get(HUNG_UP, _still_there)
        answer = _Counted(meter, start_response, lambda why: self.gate.refusal(why, scope), is_gone)
        seen = {name: value for name, value in environ.items() if name not in UNSEEN_BODIES}
        try:
            parts = self._app(seen, answer.start)
        except BaseException:
            answer.cut_short()
            raise
        return answer.served(parts)


def scope_of(environ: Environ) -> Scope:
    """Return a request as the gate reads it.

    WSGI undoes the escapes of a path. As it was sent it is in variables of some servers, which no
    header of a request can set; elsewhere it is taken to have had those escapes only that it
    needs. What a crawler signed with others is then not what arrives, and is refused.
    """
    path = _latin(environ.get("SCRIPT_NAME", "")) + _latin(environ.get("PATH_INFO", ""))
    raw = next((environ[name] for name in _RAW_TARGETS if environ.get(name)), None)
    written = quote(path, safe=_SAFE).encode() if raw is None else _latin(raw).partition(b"?")[0]
    address = environ.get("REMOTE_ADDR")
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "path": path.decode("utf-8", "replace"),
        "root_path": environ.get("SCRIPT_NAME", ""),
        "raw_path": written,
        "query_string": _latin(environ.get("QUERY_STRING", "")),
        "headers": [*_headers(environ)],
        "client": (address, 0) if address else None,
    }


def _headers(environ: Environ) -> Iterator[tuple[bytes, bytes]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield _latin(name[5:].replace("_", "-").lower()), _latin(value)
        elif name in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value:
            yield _latin(name.replace("_", "-").lower()), _latin(value)


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")


class _Counted:
    """An application's answer on its way, one part of its body behind.

    The part last made is held until there is another or the end: so the end is known before the
    last byte leaves, and a site that cannot record a page can still say 503 in its place. Until
    then the server has not been told of the answer either.
    """

    def __init__(
        self,
        meter: Meter,
        start_response: StartResponse,
        instead: Instead,
        is_gone: Callable[[], bool],
    ) -> None:
        self._meter = meter
        self._is_gone = is_gone
        self._start_response = start_response
        self._instead = instead
        self._started: tuple[str, list[tuple[str, str]]] | None = None
        self._write: Write | None = None
        self._held = b""
        self._body: Generator[bytes] | None = None
        self._close: Callable[[], object] | None = None

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Write:
        """Hear how the answer begins; an application may say it anew with what went wrong."""
        try:
            if self._started is not None and exc_info is None:
                raise AssertionError("start_response is called again, without exc_info")
            sent = _strings(self._meter.carried(_bytes(headers)))
            if self._write is not None:  # the server raises what went wrong, if it sent something
                self._write = self._start_response(status, sent, exc_info)
            self._started = status, sent
            self._meter.status = int(status[:3])
        finally:
            exc_info = None  # no circle of references (PEP 3333)
        return self._written

    def served(self, parts: Iterable[bytes]) -> Iterable[bytes]:
        """Return the body as the server is to send it; a list stays one: its length is known."""
        self._close = getattr(parts, "close", None)
        if isinstance(parts, list | tuple):
            return [*self._parts([b"".join(parts)])]
        self._body = self._parts(parts)
        return self

    def __iter__(self) -> Iterator[bytes]:
        """Return the parts, once."""
        assert self._body is not None  # noqa: S101 - it is served
        return self._body

    def close(self) -> None:
        """Hear from the server that it is done, at the end or before."""
        if self._body is not None:
            self._body.close()
        close, self._close = self._close, None
        if close is not None:
            close()

    def cut_short(self) -> None:
        """Record what left of an answer that broke off."""
        if self._write is not None:
            self._meter.record_cut_short()

    def _parts(self, parts: Iterable[bytes]) -> Generator[bytes]:
        try:
            for part in parts:
                if self._meter.is_refused:
                    break
                if part:
                    before, self._held = self._held, part
                    if before:
                        yield self._released(before)
            yield from self._end()
        finally:
            self.cut_short()

    def _end(self) -> Iterator[bytes]:
        """Yield the last part once it is recorded, or what is said in the place of the answer."""
        last = self._passed_on(self._held)
        try:
            self._meter.record()
        except SpoolError as refusal:
            if self._write is not None:
                raise
            response = self._instead(refusal)
            self._start_response(_status(response.status), _strings(response.headers))
            if not self._meter.is_bodiless:
                yield response.body
            return
        self._begin()
        if last:
            yield last

    def _written(self, part: bytes) -> None:
        """Take a part by the old way, `write`."""
        if part and not self._meter.is_refused:
            before, self._held = self._held, part
            if before:
                released = self._released(before)
                assert self._write is not None  # noqa: S101 - it has begun
                self._write(released)

    def _released(self, part: bytes) -> bytes:
        self._begin()
        return self._passed_on(part)

    def _passed_on(self, part: bytes) -> bytes:
        """Count a part and return it; nothing of either once nobody takes the answer any more."""
        return b"" if self._is_gone() else self._meter.count(part)

    def _begin(self) -> None:
        if self._started is None:
            raise AssertionError("the application did not call start_response")
        if self._write is None:
            self._write = self._start_response(*self._started)


def _still_there() -> bool:
    return False


def _answer(response: Response, scope: Scope, start_response: StartResponse) -> list[bytes]:
    start_response(_status(response.status), _strings(response.headers))
    return [] if scope["method"] == "HEAD" else [response.body]


def _marked(start_response: StartResponse, extra: Headers) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Write:
        return start_response(status, [*headers, *_strings(extra)], *exc_info)

    return start


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"


def _strings(headers: Headers) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _bytes(headers: list[tuple[str, str]]) -> Headers:
    return [(_latin(name), _latin(value)) for name, value in headers]
