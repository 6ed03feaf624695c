"""A user of one server: a person with a token, speaking GraphQL and plain HTTP."""

import asyncio
import io
from collections.abc import Callable
from typing import Any, ClassVar

import aiohttp
import msgspec

from federation.errors import RefusalError
from federation.tabular import RowError


class ApiError(RefusalError):
    """A server refused."""

    def __init__(self, code: str, message: str, errors: list[RowError] | None = None) -> None:
        """Keep the server's stable code, its sentence, and the rows of a refused table."""
        self.api_code, self.errors = code, errors or []
        super().__init__(f"{code}: {message}")

    def __str__(self) -> str:
        return self.detail


def nodes_of(page: dict[str, Any]) -> list[Any]:
    """Return the entries of a page of a list."""
    return [edge["node"] for edge in page["edges"]]


class Person:
    """One principal at one server. `token` is asked anew for every request."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: Callable[[], str]) -> None:
        self._http, self.url, self._token = http, url, token

    async def ask(self, document: str, **variables: Any) -> Any:
        """Return the data of a query or mutation with one root field; a refusal raises."""
        body = msgspec.json.encode({"query": document, "variables": variables})
        answer = msgspec.json.decode(await self.post("/graphql", body, "application/json"))
        if answer.get("errors"):
            first = answer["errors"][0]
            code = first.get("extensions", {}).get("code", "ERROR")
            raise ApiError(code, first["message"])
        value = next(iter(answer["data"].values()))
        if isinstance(value, dict) and value.get("__typename") == "Refused":
            raise ApiError(value["code"], value["message"])
        return value

    async def rows(self, document: str, **variables: Any) -> list[Any]:
        """Return the entries of one page of a list; a refusal raises."""
        return nodes_of(await self.ask(document, **variables))

    async def walk(self, document: str, **variables: Any) -> list[Any]:
        """Return all of a list, page by page, for a query that takes `$after`; a refusal raises.

        It asks for `edges { node }` and `pageInfo { hasNextPage endCursor }`.
        """
        found, after = list[Any](), None
        while True:
            page = await self.ask(document, **variables, after=after)
            found += nodes_of(page)
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return found

    async def post(
        self, path: str, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> bytes:
        """POST and return the body of a 2xx answer."""
        sent = {**self._headers(), "Content-Type": content_type, **(headers or {})}
        async with self._http.post(
            f"{self.url}{path}", data=io.BytesIO(body), headers=sent
        ) as response:
            return _checked(response.status, await response.read())

    async def get(self, path: str) -> bytes:
        """GET and return the body of a 2xx answer."""
        async with self._http.get(f"{self.url}{path}", headers=self._headers()) as response:
            return _checked(response.status, await response.read())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}


def _checked(status: int, body: bytes) -> bytes:
    if status // 100 == 2:  # noqa: PLR2004 - 2xx
        return body
    try:
        found = msgspec.json.decode(body)
        errors = [RowError(**item) for item in found.get("errors", []) if "column" in item]
        raise ApiError(str(found.get("code", status)), str(found.get("message", body)), errors)
    except (msgspec.MsgspecError, AttributeError) as error:
        raise ApiError(str(status), body[:300].decode("utf-8", "replace")) from error


class NotInTimeError(RefusalError):
    """What was waited for did not come about."""

    code: ClassVar[str] = "NOT_IN_TIME"


async def until(condition: Callable[[], Any], *, what: str, seconds: float = 120.0) -> Any:
    """Ask again and again until an awaitable answer is true; return it."""
    deadline = asyncio.get_running_loop().time() + seconds
    pause = 0.01
    while True:
        answer = await condition()
        if answer:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            raise NotInTimeError(what)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.2)
