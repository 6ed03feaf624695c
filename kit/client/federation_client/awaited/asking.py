"""Requests of a lab at one server, for programs with an event loop: shown, sent, sent again."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, TypeVar

import httpx

from federation.access.bearers import Bearer
from federation.access.wire import UnreachableError
from federation_client.generated.answers import Refused
from federation_client.question import Question, refused_by
from federation_client.refusals import NotUnderstoodError, OutcomeUnknownError, RefusedError
from federation_client.retrying import (
    Answer,
    Failure,
    Tries,
    is_passing,
    retry_after,
    was_never_sent,
)

T = TypeVar("T")
_NOT_AUTHENTICATED: Final = "NOT_AUTHENTICATED"


class AsyncAsking:
    """Sends what a lab asks of one server, with its present token, until there is an answer."""

    def __init__(
        self,
        server: str,
        bearer: Bearer,
        http: httpx.AsyncClient,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._server = server.rstrip("/")
        self._bearer = bearer
        self._http = http
        self._sleep = sleep
        self._chance = chance

    async def ask(self, question: Question[T | Refused]) -> T:
        """Return the answer to a question. Raises RefusedError, also for a member `Refused`."""
        headers = {"Content-Type": "application/json"}
        body, is_first = question.body(), True
        while True:
            said = await self.post("/graphql", body, headers, is_repeatable=question.is_repeatable)
            try:
                answer = question.read(said)
            except RefusedError as refusal:
                if refusal.code != _NOT_AUTHENTICATED or not is_first:
                    raise
                self._bearer.refused()  # its credential has another token, or none
                is_first = False
                continue
            if isinstance(answer, Refused):
                raise RefusedError(answer.code, answer.message)
            return answer

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str], *, is_repeatable: bool
    ) -> bytes:
        """Return the body of a 2xx answer.

        Raises RefusedError, NotUnderstoodError, NoTokenError; UnreachableError where nobody
        answered, OutcomeUnknownError where that leaves open what was done.
        """
        tries, is_first = Tries(is_repeatable=is_repeatable, chance=self._chance), True
        while True:
            found = await self._sent(path, body, headers)
            if isinstance(found, bytes):
                return found
            if found.status == HTTPStatus.UNAUTHORIZED:
                if not is_first:
                    raise found.error
                self._bearer.refused()
                is_first = False
                continue
            seconds = tries.seconds(found)
            if seconds is None:
                raise _final(found, is_repeatable=is_repeatable)
            await self._sleep(seconds)

    async def _sent(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes | Failure:
        """Send it once. What will not pass by itself is raised, but for a token refused (401)."""
        try:
            token = await asyncio.to_thread(self._bearer.current)
        except UnreachableError as error:
            return Failure(error, is_undone=True)
        shown = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        shown["Authorization"] = f"Bearer {token}"
        url = f"{self._server}{path}"
        try:
            async with self._http.stream(
                "POST", url, content=body, headers=shown, auth=None, follow_redirects=False
            ) as response:
                said = Answer()
                async for part in response.aiter_bytes():
                    said.add(part)
        except httpx.TransportError as error:
            return Failure(error, is_undone=was_never_sent(error))
        except httpx.DecodingError as error:
            raise NotUnderstoodError(f"{path}: it does not unpack") from error
        status = response.status_code
        if response.is_success:
            return said.body()
        later = retry_after(response.headers)
        refusal = refused_by(status, said.body(), later)
        may_pass, is_undone = is_passing(status, response.headers)
        if not may_pass and is_undone and status != HTTPStatus.UNAUTHORIZED:
            raise refusal
        return Failure(refusal, is_undone, retry_after=later, status=status, may_pass=may_pass)


def _final(failure: Failure, *, is_repeatable: bool) -> Exception:
    """Return what is raised when a request is not sent again."""
    error = failure.error
    if not is_repeatable and not failure.is_undone:
        return OutcomeUnknownError(str(error) or type(error).__name__)
    if isinstance(error, httpx.TransportError):
        return UnreachableError(type(error).__name__)
    return error
