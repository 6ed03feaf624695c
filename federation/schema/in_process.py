"""The schema as pages of this very server ask it: in process, with the rights of who looks."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from strawberry.http import process_result
from strawberry.schema import BaseSchema

from federation.errors import LaterError
from federation.schema.context import Context
from federation.schema.guards import present

Asking = Callable[[str, Mapping[str, Any], Context], Awaitable[dict[str, Any]]]
"""Runs a document with variables in a context; returns the answer as `/graphql` would send it."""

_encode: Final = msgspec.json.Encoder().encode


def asking(schema: BaseSchema) -> Asking:
    """Return what runs a document of our own, under every limit that a request over HTTP has.

    What is over a quota as a whole is refused as it is there (TOO_MANY_REQUESTS).
    """

    async def ask(document: str, variables: Mapping[str, Any], context: Context) -> dict[str, Any]:
        result = await schema.execute(
            document, variable_values=dict(variables), context_value=context
        )
        for error in result.errors or ():
            if error.path is None and isinstance(error.original_error, LaterError):
                raise error.original_error
        if result.errors:
            result.errors = [present(error) for error in result.errors]
        # Through JSON, as a program reads it: parts of it may be bytes that another server sent.
        answer: dict[str, Any] = msgspec.json.decode(_encode(process_result(result)))
        return answer

    return ask
