"""Commands that ask a running server: where it is, as whom they ask, how they answer.

Every such command takes `--url` and `--token` and prints tables, or JSON with `--json`.
A refusal is one line with its code, and exit code 2.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from federation.errors import RefusalError
from federation.money import decimal_text

SECONDS_MAX = 600
NO_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(?:Query|Mutation)'")
NAMES = frozenset({"payment", "account", "claim", "number", "run"})  # to be copied whole

RIGHT = frozenset(
    {"amount", "score", "entries", "unexplained", "old", "new", "left", "difference", "lines"}
)


class ServerRefusedError(RefusalError):
    """The server refused; its code and sentence are shown as they came."""

    code: ClassVar[str] = "REFUSED"

    @property
    def message(self) -> str:
        """Return the server's sentence."""
        return self.detail


class NotReachedError(RefusalError):
    """The server was not reached."""

    code: ClassVar[str] = "NOT_REACHED"


class NotHereError(RefusalError):
    """This server is not asked for this: some commands are for the hub, others for a node."""

    code: ClassVar[str] = "NOT_HERE"


def refused(code: str, message: str) -> ServerRefusedError:
    """Return the refusal of a server under its own code."""
    kind: type[ServerRefusedError] = type("Refused", (ServerRefusedError,), {"code": code})
    return kind(message)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the commands ask, as whom, and how they answer."""

    url: str
    token: str
    as_json: bool

    def ask(self, document: str, **variables: Any) -> Any:
        """Return the data of a query or mutation with one root field; a refusal raises."""
        body = msgspec.json.encode({"query": document, "variables": variables})
        answer = msgspec.json.decode(self.post("/graphql", body, "application/json"))
        if answer.get("errors"):
            raise _of_error(answer["errors"][0])
        value = next(iter(answer["data"].values()))
        if isinstance(value, dict) and value.get("__typename") == "Refused":
            raise refused(value["code"], value["message"])
        return value

    def post(
        self, path: str, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """POST and return the body of an answer that is no refusal."""
        return self._send("POST", path, {"Content-Type": content_type, **(headers or {})}, body)

    def get(self, path: str) -> bytes:
        """GET and return the body of an answer that is no refusal."""
        return self._send("GET", path, {}, None)

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        where = urlsplit(self.url)
        kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        try:
            with closing(kind(where.hostname or "", where.port, timeout=SECONDS_MAX)) as http:
                http.request(method, f"{where.path.rstrip('/')}{path}", body, sent)
                response = http.getresponse()
                status, content = response.status, response.read()
        except (OSError, HTTPException, ValueError) as error:
            raise NotReachedError(f"{self.url}: {error}") from error
        if status // 100 == 2 or path == "/graphql":  # noqa: PLR2004 - 2xx
            return content
        raise _of_answer(status, content)

    def show(self, value: Any, tables: Callable[[], Sequence[Table]]) -> None:
        """Print a value as JSON, or as tables."""
        if self.as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
            return
        console = Console(width=None if Console().is_terminal else 120)
        for each in tables():
            title, each.title = each.title, None  # a title would be folded at the table's width
            console.print(title, style="italic", soft_wrap=True)
            console.print(each)


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


def at_desk(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where it asks, as whom, and how it answers."""

    @click.option("--url", envvar="FEDERATION_URL", required=True, help="Or FEDERATION_URL.")
    @click.option("--token", envvar="FEDERATION_TOKEN", required=True, help="Or FEDERATION_TOKEN.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @wraps(function)
    def command(url: str, token: str, as_json: bool, **options: Any) -> None:
        function(Desk(url, token, as_json), **options)

    return command


def amount_text(minor: str, currency: str) -> str:
    """Write minor units of a currency: `-10.00 EUR`."""
    return f"{decimal_text(int(minor), currency)} {currency}"


def money_text(money: dict[str, str] | None) -> str:
    """Write an amount of the API with its currency; none is nothing."""
    return amount_text(money["minor"], money["currency"]) if money else ""


def when_text(instant: str | None) -> str:
    """Write an instant of the API to the minute; none is nothing, a date stays a date."""
    if instant is None or "T" not in instant:
        return instant or ""
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M}Z"


def make_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table; what is counted or paid stands to the right."""
    table = Table(title=title)
    for column in columns:
        is_number = column in RIGHT or column.isupper()  # a currency
        table.add_column(
            column,
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=column in NAMES,
        )
    for row in rows:
        table.add_row(*row)
    return table
