"""The gate beside nginx: judges what nginx asks it (`auth_request`), and counts what nginx served.

nginx asks for each request, with the request's own headers and its method and target in two more.
The answer is 204 with what is granted, or 403 with the whole refusal in a header, which nginx sends
back to have it written: of other statuses `auth_request` makes 500. Only nginx may reach this door.
Where it redirects a request internally it asks again and shows what it holds: that is not judged
anew.
"""

import base64
import logging
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from pathlib import Path
from socketserver import BaseServer, TCPServer, ThreadingMixIn
from typing import Any, ClassVar, Final
from urllib.parse import unquote_to_bytes

import msgspec

from federation.gate.answers import KEPT_BY_NOBODY, VARIES, Headers, Response, link_header
from federation.gate.asks import Scope
from federation.gate.events import Unit
from federation.gate.gate import Answered, Gate, Passed, Visit
from federation.gate.refusals import SpoolError, SpoolFullError
from federation.gate.reservations import LICENCE_PATH
from federation.publisher.connections import CONNECTIONS_MAX, Connections
from federation.publisher.following import written_grant
from federation.publisher.held import Seals
from federation.publisher.sockets import ListenError, let_in, require_free

METHOD: Final = "x-federation-method"
TARGET: Final = "x-federation-target"
ADDRESS: Final = "x-federation-address"
HOST: Final = "x-federation-host"
REFUSAL: Final = "x-federation-refusal"
HELD: Final = "x-federation-held"
ROOM_BYTES: Final = 64 << 20
_OURS: Final = frozenset({METHOD, TARGET, ADDRESS, HOST, REFUSAL, HELD})
_OF_THE_ASKING: Final = frozenset({"connection", "x-federation-grant"})
_FAILED: Final = 400
_IDLE_SECONDS: Final = 75
_ENDS: Final = (b"\r\n", b"\n", b"")
_log = logging.getLogger(__name__)


class _Refusal(msgspec.Struct, frozen=True):
    status: int
    headers: list[tuple[str, str]]
    body: str


class AuthServer(ThreadingMixIn, TCPServer):
    """Listens for nginx, on a Unix socket or on loopback."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(
        self,
        listen: str,
        gate: Gate,
        log: Path,
        *,
        group: str | None = None,
        granted: Callable[[], None] = lambda: None,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        if not log.parent.is_dir():
            raise ListenError(f"{log.parent} is no folder: --log names the file that nginx writes")
        self.gate = gate
        self._note_granted = granted
        self.log = log
        self._seals = Seals()
        self.connections = Connections(connections_max)
        if listen.startswith("unix:"):
            path = Path(listen.removeprefix("unix:"))
            require_free(path)
            self.address_family = socket.AF_UNIX
            try:
                super().__init__(str(path), _Door)  # type: ignore[arg-type]
            except OSError as error:
                raise ListenError(f"{path}: {error}") from None
            try:
                let_in(path, group)
            except ListenError:
                self.server_close()
                path.unlink()
                raise
        else:
            host, _, port = listen.rpartition(":")
            if host not in {"127.0.0.1", "localhost", "[::1]"}:
                raise ListenError("only nginx may ask: listen on unix:PATH or 127.0.0.1:PORT")
            if not port.isdigit():
                raise ListenError(f"{listen} names no port")
            if host == "[::1]":
                self.address_family = socket.AF_INET6
            try:
                super().__init__((host.strip("[]"), int(port)), _Door)
            except (OSError, OverflowError) as error:
                raise ListenError(f"{listen}: {error}") from None

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread of its own, if there is room for one."""
        if self.connections.take():
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the room back at the end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.give_back(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a defect. A connection that nginx gives up is none: it needs no body for HEAD."""
        del request, client_address
        if not isinstance(sys.exception(), ConnectionError):
            _log.exception("nginx was not answered")

    def decided(self, scope: Scope, held: str = "") -> tuple[int, Headers]:
        """Return the status and the headers for `auth_request`; `held` is what nginx has of us."""
        if (again := self._seals.open(scope, held) if held else None) is not None:
            return 204, (*again, (HELD.encode(), held.encode("latin-1")))
        decision = self.gate.decide(scope)
        if isinstance(decision, Visit) and (refusal := self._lack()) is not None:
            self.gate.count_refused(decision.ask.agent, refusal)
            decision = Answered(self.gate.refusal(refusal, scope))
        if isinstance(decision, Visit):
            return 204, self._kept(scope, self._granted(decision))
        if isinstance(decision, Passed):
            return 204, self._kept(scope, decision.headers)
        if decision.response.status < _FAILED:
            return 204, ()
        return 403, ((REFUSAL.encode(), _packed(decision.response)),)

    def _kept(self, scope: Scope, headers: Headers) -> Headers:
        return (*headers, (HELD.encode(), self._seals.seal(scope, headers))) if headers else ()

    def _lack(self) -> SpoolError | None:
        """Return why nginx could not write down what it serves."""
        try:
            free = shutil.disk_usage(self.log.parent).free
        except OSError as error:
            why = error.strerror or type(error).__name__
            return SpoolError(f"the folder of the access log: {why}")
        return None if free >= ROOM_BYTES else SpoolFullError("the disk of the access log")

    def _granted(self, visit: Visit) -> Headers:
        # By bytes nobody knows the units yet; the follower fills them in.
        is_by_bytes = self.gate.config.unit == Unit.BYTE
        event = self.gate.event(visit, 0, 0 if is_by_bytes else 1)
        self._note_granted()
        return (
            (b"x-federation-grant", written_grant(event).encode()),
            link_header(visit.link),
            KEPT_BY_NOBODY,
            (b"vary", VARIES),
        )


class _ManyLines:
    """Header lines, as many at once as are asked for bytes: http.server reads a hundred times."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._ahead = b""

    def readline(self, limit: int) -> bytes:
        """Return whole lines of less than `limit` bytes, or the one that ends them."""
        found = b""
        while True:
            line, self._ahead = self._ahead or self._file.readline(limit), b""
            is_end = line in _ENDS
            if found and (is_end or len(found) + len(line) >= limit):
                self._ahead = line
                return found
            found += line
            if is_end or len(found) >= limit:
                return found


class _Door(BaseHTTPRequestHandler):
    """One connection of nginx."""

    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float] = _IDLE_SECONDS
    server: BaseServer

    def setup(self) -> None:
        """Wait for a question."""
        super().setup()
        self._waits()

    def parse_request(self) -> bool:
        """Read the head of a question, of as many lines as nginx took."""
        assert isinstance(self.server, AuthServer)  # noqa: S101 - it made this door
        self.server.connections.is_asked(self.connection)
        from_nginx = self.rfile
        self.rfile = _ManyLines(from_nginx)  # type: ignore[assignment]
        try:
            return super().parse_request()
        finally:
            self.rfile = from_nginx

    def do_GET(self) -> None:
        """Answer one question of nginx."""
        assert isinstance(self.server, AuthServer)  # noqa: S101 - it made this door
        path = self.path.partition("?")[0]
        if path == "/auth":
            status, headers = self.server.decided(self._scope(), self.headers.get(HELD, ""))
            self._answer(Response(status, headers, b""))
        elif path == "/refusal":
            self._answer(_unpacked(self.headers.get(REFUSAL, "")))
        elif path == LICENCE_PATH:
            terms = self.server.gate.config.terms
            held = terms.current() if terms is not None else None
            self._answer(held or Response(404, (), b""))
        else:
            self._answer(Response(404, (), b""))

    do_HEAD = do_GET  # noqa: N815 - as its parent names it; of the terms only

    def _scope(self) -> Scope:
        raw, _, query = self.headers.get(TARGET, "").encode("latin-1").partition(b"?")
        address = self.headers.get(ADDRESS)
        return {
            "type": "http",
            "method": self.headers.get(METHOD, ""),
            "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
            "raw_path": raw,
            "query_string": query,
            "headers": [
                *(
                    (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
                    for name, value in self.headers.items()
                    if name.lower() not in _OURS | _OF_THE_ASKING
                ),
                *self._other_host(),
            ],
            "client": (address, 0) if address else None,
        }

    def _other_host(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the host whose pages nginx serves, if the Host header names another one.

        nginx goes by the request line where that names a host; the gate refuses who names two.
        """
        served = self.headers.get(HOST, "").lower()
        named = self.headers.get("host", "").lower()
        if served and served != re.sub(r":[0-9]*\Z", "", named):
            yield b"x-forwarded-host", served.encode("latin-1", "replace")

    def _answer(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers:
            self.send_header(name.decode("latin-1"), value.decode("latin-1"))
        if response.status != 204 and "content-length" not in {  # noqa: PLR2004
            name.decode("latin-1").lower() for name, _ in response.headers
        }:
            self.send_header("content-length", str(len(response.body)))
        self._waits()  # before the answer leaves: whoever has it may count on the room
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _waits(self) -> None:
        assert isinstance(self.server, AuthServer)  # noqa: S101 - it made this door
        self.server.connections.is_idle(self.connection)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its parent names it
        """Leave it to nginx to log what is asked."""


def _packed(response: Response) -> bytes:
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers
    ]
    said = _Refusal(response.status, headers, response.body.decode())
    return base64.urlsafe_b64encode(msgspec.json.encode(said))


def _unpacked(text: str) -> Response:
    """Return the refusal that nginx was given; without one nginx itself refused."""
    try:
        said = msgspec.json.decode(base64.urlsafe_b64decode(text), type=_Refusal)
    except ValueError:
        return Response(403, (), b"")
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said.headers]
    return Response(said.status, headers, said.body.encode())
