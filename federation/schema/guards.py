"""The guard rails of every schema: limits before validation, caches, and masked defects."""

import secrets
from collections.abc import Callable, Iterator
from functools import lru_cache

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    parse,
    specified_rules,
)
from strawberry.extensions import MaskErrors, SchemaExtension
from strawberry.schema.schema import validate_document

from federation.errors import RefusalError
from federation.logs import get_logger
from federation.schema.limits import ANONYMOUS, Limits, refuse_heavy

DOCUMENTS_CACHED = 512
UNEXPECTED = "UNEXPECTED"

_log = get_logger(__name__)


def extensions(limits: Limits = ANONYMOUS) -> list[Callable[[], SchemaExtension]]:
    """Return the factories to give to `strawberry.Schema`, outermost first."""
    return [Masking, lambda: Guards(limits)]


class Guards(SchemaExtension):
    """Parses within the limits, weighs, then validates; both steps are remembered."""

    def __init__(self, limits: Limits = ANONYMOUS) -> None:
        self._limits = limits

    def on_parse(self) -> Iterator[None]:
        """Parse the document, or find it in the cache."""
        context = self.execution_context
        if context.graphql_document is None and context.query:
            context.graphql_document = parse_within(context.query, self._limits.tokens)
        yield

    def on_validate(self) -> Iterator[None]:
        """Put the errors where Strawberry looks for them; it does not validate again."""
        context = self.execution_context
        if context.graphql_document is not None:
            schema = context.schema._schema  # noqa: SLF001 - as Strawberry's own cache does
            errors = check_document(schema, context.graphql_document, self._limits)
            context.pre_execution_errors = list(errors)
        yield


@lru_cache(maxsize=DOCUMENTS_CACHED)
def parse_within(query: str, tokens: int) -> DocumentNode:
    """Parse a document of at most so many tokens and as many comments."""
    try:
        return parse(query, max_lexical_tokens=tokens, max_comments=tokens)
    except GraphQLSyntaxError as error:
        raise _with_code(error, _syntax_code(error.message)) from None


def _syntax_code(message: str) -> str:
    if "nested too deeply" in message:
        return "TOO_DEEP"
    return "TOO_MANY_TOKENS" if "contains more than" in message else "SYNTAX"


@lru_cache(maxsize=DOCUMENTS_CACHED)
def check_document(
    schema: GraphQLSchema, document: DocumentNode, limits: Limits
) -> tuple[GraphQLError, ...]:
    """Return why the document may not run: a limit it passes, else what validation finds."""
    try:
        refuse_heavy(document, limits)
    except GraphQLError as refusal:
        return (refusal,)
    found = validate_document(schema, document, tuple(specified_rules))
    return tuple(_with_code(error, "INVALID_DOCUMENT") for error in found)


class Masking(MaskErrors):
    """Shows a client what it may know of an error: refusals whole, defects as an id."""

    def __init__(self) -> None:
        super().__init__(should_mask_error=should_mask_error)

    def _process_errors(self, errors: list[GraphQLError]) -> list[GraphQLError]:
        return [present(error) for error in errors]


def should_mask_error(error: GraphQLError) -> bool:
    """Tell whether the error is a defect of ours.

    GraphQL's own errors (syntax, validation, coercion) have no foreign cause, and a refusal is
    meant to be read.
    """
    cause = error.original_error
    return cause is not None and not isinstance(cause, GraphQLError | RefusalError)


def present(error: GraphQLError) -> GraphQLError:
    """Return what the client may read; a defect is logged under the id that the client sees."""
    if isinstance(error.original_error, RefusalError):
        return _with_code(error, error.original_error.code)
    if not should_mask_error(error):
        return error
    error_id = secrets.token_hex(6)
    path = ".".join(str(step) for step in error.path or ())
    _log.error("defect", error_id=error_id, path=path, exc_info=error.original_error)
    return _copy(error, f"Unexpected error {error_id}.", UNEXPECTED)


def _with_code(error: GraphQLError, code: str) -> GraphQLError:
    return _copy(error, error.message, code)


def _copy(error: GraphQLError, message: str, code: str) -> GraphQLError:
    """Copy the place of an error, but not its cause."""
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code},
    )
