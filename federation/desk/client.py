"""Commands that ask a running server: where it is, as whom they ask, how they answer.

Every such command takes `--url` and `--token` and prints tables, or JSON with `--json`.
A refusal is one line with its code, and exit code 2.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

import msgspec
import rich_click as click
from rich.table import Table

from federation.desk.printing import print_table
from federation.errors import RefusalError
from federation.money import decimal_text

SECONDS_MAX = 600
PART_BYTES = 65_536  # of a file that are in memory while it is written
NO_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(?:Query|Mutation)'")
IDS = frozenset({"claim", "id", "ids", "licence", "node", "number", "party", "payment", "ref"})
DIGEST = re.compile(r"(?<=-)[0-9A-F]{8}(?=[-/]|$)")  # in a payment's id, in small letters
_OF_ANY_CASE = frozenset({"UNKNOWN_LICENSEE"})  # labs are named as they were registered
HOW_TOLD = (
    "set FEDERATION_URL and FEDERATION_TOKEN, or give --url and --token; "
    "in a practice folder: ./as alice federation ..."
)


class ServerRefusedError(RefusalError):
    """The server refused; its code and sentence are shown as they came."""

    code: ClassVar[str] = "REFUSED"

    @property
    def message(self) -> str:
        """Return the sentence that the server answered with, unchanged."""
        return self.detail


class NotReachedError(RefusalError):
    """The server was not reached."""

    code: ClassVar[str] = "NOT_REACHED"


class NotToldError(RefusalError):
    """No server, or no token for it, was named."""

    code: ClassVar[str] = "NOT_TOLD"


class NotHereError(RefusalError):
    """This server is not asked for this: some commands are for the hub, others for a node."""

    code: ClassVar[str] = "NOT_HERE"


def in_pages(fields: str) -> str:
    """Return what is asked of a list whose entries have these fields."""
    return f"{{ edges {{ node {{ {fields} }} }} pageInfo {{ hasNextPage endCursor }} }}"


def refused(code: str, message: str) -> ServerRefusedError:
    """Return the refusal of a server under its own code."""
    refusal = ServerRefusedError(message)
    vars(refusal)["code"] = code  # this one's own, beside that of its class
    return refusal


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: its rows, and what to give as `--after` for more, None where it ends."""

    rows: list[dict[str, Any]]
    next: str | None

    def title(self, title: str) -> str:
        """Return the title of a table of it, which says how to go on."""
        return f"{title}; more: --after {self.next}" if self.next else title


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the commands ask, as whom, and how they answer."""

    url: str
    token: str
    as_json: bool

    def ask(self, document: str, **variables: Any) -> Any:
        """Return the data of a query or mutation with one root field; a refusal raises."""
        with cased(list(_ids_in(variables))):
            return self._ask(document, variables)

    def _ask(self, document: str, variables: Mapping[str, Any]) -> Any:
        value = next(iter(self.data(document, variables).values()))
        if isinstance(value, dict) and value.get("__typename") == "Refused":
            raise refused(value["code"], value["message"])
        return value

    def data(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data that a document is answered with; an error in it raises."""
        body = msgspec.json.encode({"query": document, "variables": variables})
        answer = msgspec.json.decode(self.post("/graphql", body, "application/json"))
        if answer.get("errors"):
            raise _of_error(answer["errors"][0])
        found: dict[str, Any] = answer["data"]
        return found

    def page(self, document: str, **variables: Any) -> Page:
        """Return a page of a list, for a query that ends in `in_pages`; a refusal raises."""
        found = self.ask(document, **variables)
        info = found["pageInfo"]
        rows = [edge["node"] for edge in found["edges"]]
        return Page(rows, info["endCursor"] if info["hasNextPage"] else None)

    def walk(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        """Return all of a list, page by page, for a query that takes `$after`."""
        page = self.page(document, **variables, after=None)
        rows = page.rows
        while page.next is not None:
            page = self.page(document, **variables, after=page.next)
            rows += page.rows
        return rows

    def post(
        self, path: str, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """POST and return the body of an answer that is no refusal."""
        return self._send("POST", path, {"Content-Type": content_type, **(headers or {})}, body)

    def send(self, path: str, parts: Iterator[bytes], size: int) -> bytes:
        """POST what is read as it is sent, and return the body of an answer that is no refusal.

        A server may refuse before all was sent; that is the answer then.
        """
        with self._connection() as (http, base):
            http.putrequest("POST", f"{base}{path}")
            http.putheader("Authorization", f"Bearer {self.token}")
            http.putheader("Content-Type", "application/octet-stream")
            http.putheader("Content-Length", str(size))
            with self._reaching():
                http.endheaders()
                with suppress(BrokenPipeError, ConnectionResetError):
                    for part in parts:
                        http.send(part)
                response = http.getresponse()
            answer = self._whole(response)
            if response.status // 100 != 2:  # noqa: PLR2004 - 2xx
                raise _of_answer(response.status, answer)
            return answer

    def get(self, path: str, write: Callable[[bytes], object]) -> None:
        """GET and write the body of an answer that is no refusal as it arrives."""
        with self._answer("GET", path, {}, None) as response:
            while part := self._part(response):
                write(part)
            if response.length:  # fewer bytes came than were announced
                raise NotReachedError(f"{self.url}: {path} broke off, {response.length} bytes left")

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        with self._answer(method, path, headers, body) as response:
            return self._whole(response)

    @contextmanager
    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Iterator[HTTPResponse]:
        """Give an answer that is no refusal, to be read for as long as the block lasts."""
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        with self._connection() as (http, base):
            with self._reaching():
                http.request(method, f"{base}{path}", body, sent)
                response = http.getresponse()
            if response.status // 100 != 2 and path != "/graphql":  # noqa: PLR2004 - 2xx
                raise _of_answer(response.status, self._whole(response))
            yield response

    @contextmanager
    def _connection(self) -> Iterator[tuple[HTTPConnection, str]]:
        """Give a connection to the server, and what stands before every path there."""
        where = urlsplit(self.url)
        kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
        with closing(kind(where.hostname or "", where.port, timeout=SECONDS_MAX)) as http:
            yield http, where.path.rstrip("/")

    def _whole(self, response: HTTPResponse) -> bytes:
        with self._reaching():
            return response.read()

    def _part(self, response: HTTPResponse) -> bytes:
        with self._reaching():
            return response.read(PART_BYTES)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (OSError, HTTPException, ValueError) as error:
            raise NotReachedError(f"{self.url}: {error}") from error

    def show(self, value: Any, tables: Callable[[], Sequence[Table]]) -> None:
        """Print a value as JSON, or as tables."""
        if self.as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
            return
        for each in tables():
            print_table(each)


def _of_error(error: dict[str, Any]) -> RefusalError:
    """Return the refusal of a document; hub and nodes do not offer the same fields."""
    code, message = error.get("extensions", {}).get("code", "ERROR"), error["message"]
    found = NO_FIELD.match(message)
    return NotHereError(found[1]) if found else refused(code, message)


def _of_answer(status: int, content: bytes) -> ServerRefusedError:
    try:
        found = msgspec.json.decode(content)
        return refused(str(found["code"]), str(found["message"]))
    except (msgspec.MsgspecError, KeyError, TypeError):
        return refused(str(status), content[:300].decode("utf-8", "replace"))


after = click.option("--after", help="More: what the page before ended with.")


def with_server(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which server it asks, and as whom."""

    @click.option("--url", envvar="FEDERATION_URL", help="Or FEDERATION_URL.")
    @click.option("--token", envvar="FEDERATION_TOKEN", help="Or FEDERATION_TOKEN.")
    @wraps(function)
    def command(url: str | None, token: str | None, **options: Any) -> None:
        if not url or not token:
            raise NotToldError(HOW_TOLD)
        function(Desk(url, token, as_json=bool(options.pop("as_json", False))), **options)

    return command


def at_desk(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command a server to ask, and the choice between tables and JSON."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(
        with_server(function)
    )


@contextmanager
def cased(ids: Sequence[str]) -> Iterator[None]:
    """Add to a refusal which of some ids, in capitals but for digests, may have been meant."""
    try:
        yield
    except ServerRefusedError as refusal:
        told = [text for text in ids if text in refusal.message]
        meant = [_as_issued(text) for text in told if text != _as_issued(text)]
        if not meant or refusal.code in _OF_ANY_CASE:
            raise
        hint = f"Ids are in capitals: {', '.join(meant)}?"
        raise refused(refusal.code, f"{refusal.message} {hint}") from refusal


def _as_issued(text: str) -> str:
    """Return an id as the servers write it: of a correction's payment the run is hexadecimal."""
    return DIGEST.sub(lambda found: found[0].lower(), text.upper())


def _ids_in(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids among the variables of a query: of nodes, licences, payments, documents."""
    for name, value in variables.items():
        if name in IDS and isinstance(value, str):
            yield value
        elif name in IDS or name == "items":
            for each in cast("Sequence[Any]", value or ()):
                yield from [each] if isinstance(each, str) else _ids_in(each)


def say_if_another_stands(stands: str, given: str) -> None:
    """Say on standard error that a reason given before was not replaced by this one."""
    if stands != given.strip():
        click.echo(
            f"federation: it was said before, and the first reason stands: {stands}", err=True
        )


def amount_text(minor: str, currency: str) -> str:
    """Write minor units of a currency: `-10.00 EUR`."""
    return f"{decimal_text(int(minor), currency)} {currency}"


def money_text(money: dict[str, str] | None) -> str:
    """Write an amount of the API with its currency: `-10.00 EUR`; None as an empty text."""
    return amount_text(money["minor"], money["currency"]) if money else ""


def when_text(instant: str | None) -> str:
    """Write an instant of the API to the minute, in UTC; a date as it is, None as an empty text."""
    if instant is None or "T" not in instant:
        return instant or ""
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M}Z"
