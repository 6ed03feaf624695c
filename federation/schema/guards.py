"""The guard rails of every schema: limits before validation, caches, and masked defects."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    OperationDefinitionNode,
    Token,
    TokenKind,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import MaskErrors, SchemaExtension
from strawberry.federation.schema import FederationAny
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import ExecutionContext

from federation.errors import RefusalError
from federation.logs import get_logger
from federation.schema.context import Charged
from federation.schema.costs import Costs, size_lists
from federation.schema.introspection import Answers, asks_for_schema_only
from federation.schema.limits import ANONYMOUS, KNOWN, Limits, Weight, weigh
from federation.schema.scalars import REPRESENTATION
from federation.values.plain import BadTextError, require_plain_text

CACHE_BYTES_MAX = 16 * 1024 * 1024
CACHED_BYTES_MAX = 1024 * 1024  # of one document
TOKEN_BYTES = 700  # what a token comes to in a syntax tree, measured: 610 on average
ERRORS_MAX = 5  # of validation that are shown; more are not looked for
UNEXPECTED = "UNEXPECTED"
_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)

_log = get_logger(__name__)


class Schema(strawberry.federation.Schema):
    """A schema that writes no line for a mistake of whoever asks; `present` logs defects.

    It is a subgraph of Apollo Federation, of a version that every composer takes (decision 65).
    """

    def __init__(self, **named: Any) -> None:
        size_lists(named.get("query"), named.get("mutation"))
        super().__init__(
            federation_version="2.9", scalar_overrides={FederationAny: REPRESENTATION}, **named
        )
        self._text: str | None = None

    def as_str(self) -> str:
        """Return the schema in GraphQL's schema language; it is written once."""
        if self._text is None:
            self._text = super().as_str()
        return self._text

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Leave errors to the answer: strawberry would log each with a traceback."""


def extensions(
    limits: Limits = ANONYMOUS, known: Limits = KNOWN
) -> list[Callable[[], SchemaExtension]]:
    """Return the factories to give to `Schema`, outermost first.

    `limits` are those of who is not known. The documents found good are remembered per schema, and
    what it was asked about itself.
    """
    documents, answers, costs = Documents(), Answers(), Costs()
    return [Masking, lambda: Guards(documents, answers, costs, limits, known)]


class Good(NamedTuple):
    """A document found good, and what it weighs."""

    document: DocumentNode
    weight: Weight


class Documents:
    """Documents found good, with the limits they were found good by: so many bytes, not so many."""

    def __init__(self, bytes_max: int = CACHE_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._kept: OrderedDict[tuple[str, Limits], tuple[Good, int]] = OrderedDict()
        self.size = 0

    def find(self, query: str, limits: Limits) -> Good | None:
        """Return a document that was kept, as the one used last."""
        found = self._kept.get((query, limits))
        if found is None:
            return None
        self._kept.move_to_end((query, limits))
        return found[0]

    def keep(self, query: str, limits: Limits, good: Good) -> None:
        """Keep a document unless it is large; those used longest ago give way."""
        size = weight_of(query, good.document)
        if size > CACHED_BYTES_MAX or (query, limits) in self._kept:
            return
        self._kept[query, limits] = (good, size)
        self.size += size
        while self.size > self._bytes_max:
            _, (_, given_up) = self._kept.popitem(last=False)
            self.size -= given_up


def weight_of(query: str, node: Node) -> int:
    """Return about how many bytes the document of a node holds: its text, its tree by tokens."""
    return 4 * len(query) + TOKEN_BYTES * sum(1 for _ in _tokens(node))


class Guards(SchemaExtension):
    """Parses within the limits, weighs, then validates; what is found good is remembered."""

    def __init__(
        self, documents: Documents, answers: Answers, costs: Costs, limits: Limits, known: Limits
    ) -> None:
        self._documents, self._answers, self._costs = documents, answers, costs
        self._strangers, self._known = limits, known
        self._good: Good | None = None
        self._charged: Charged | None = None

    def on_parse(self) -> Iterator[None]:
        """Parse the document, or find it among those found good."""
        context = self.execution_context
        if context.graphql_document is None and context.query:
            limits = self._limits()
            self._good = self._documents.find(context.query, limits)
            context.graphql_document = (
                self._good.document if self._good else parse_within(context.query, limits)
            )
        yield

    def on_validate(self) -> Iterator[None]:
        """Put the errors where Strawberry looks for them; it does not validate again."""
        context = self.execution_context
        document, limits = context.graphql_document, self._limits()
        if document is not None:
            errors: tuple[GraphQLError, ...] = ()
            if self._good is None:
                schema = context.schema._schema  # noqa: SLF001 - as Strawberry's own cache does
                weight, errors = check_document(schema, document, limits)
                if not errors:
                    self._good = Good(document, weight)
                    if context.query:
                        self._documents.keep(context.query, limits, self._good)
            if not errors and context._provided_operation_name is None:  # noqa: SLF001
                errors = _unnamed(document)  # Strawberry would run the first
            context.pre_execution_errors = list(errors)
        yield

    def on_execute(self) -> Iterator[None]:
        """Count what running it costs; what was said of the schema before is said again."""
        context, good = self.execution_context, self._good
        count = getattr(context.context, "count", None)
        if good is None or count is None or not context.query:
            yield
            return
        is_kept = good.weight.introspections > 0 and asks_for_schema_only(good.document)
        answer = self._answers.find(context.query) if is_kept else None
        self._charged = count(good.weight, self._cost(good), is_answered=answer is not None)
        context.context.keep_document()
        if answer is not None:
            context.result = ExecutionResult(data=cast("Any", answer))  # JSON as it is sent
        yield
        context.context.server.counters.operation(
            context.operation_name,
            is_known=context.context.principal is not None,
            has_failed=bool(getattr(context.result, "errors", None)),
        )
        if is_kept and answer is None:
            self._answers.keep(context.query, context.result)

    def get_results(self) -> dict[str, Any]:
        """Say what the document cost, if anything; another server is not told."""
        charged = self._charged
        if charged is None or not charged.requested or self.execution_context.context.is_server:
            return {}
        return {"cost": charged._asdict()}

    def _cost(self, good: Good) -> int:
        context = self.execution_context
        return self._costs.of(
            context.schema._schema,  # noqa: SLF001 - as above
            good.document,
            context._provided_operation_name,  # noqa: SLF001 - as above
            context.variables or {},
            lambda: context.context.nodes,
        )

    def _limits(self) -> Limits:
        who = getattr(self.execution_context.context, "principal", None)
        return self._strangers if who is None else self._known


def parse_within(query: str, limits: Limits) -> DocumentNode:
    """Parse a document of so many characters, tokens and comments, with U+0000 in no text of it."""
    if len(query) > limits.characters:
        message = f"The document has {len(query)} characters; {limits.characters} are allowed."
        raise GraphQLError(message, extensions={"code": "DOCUMENT_TOO_LARGE"})
    try:
        document = parse(query, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
    except GraphQLSyntaxError as error:
        raise _with_code(error, _syntax_code(error.message)) from None
    for token in _tokens(document):
        if token.kind in _TEXTS:
            place = f"line {token.line}, column {token.column}"
            try:
                require_plain_text(token.value or "", place)
            except BadTextError as refusal:
                raise GraphQLError(refusal.message, extensions={"code": refusal.code}) from None
    return document


_TEXTS = frozenset({TokenKind.STRING, TokenKind.BLOCK_STRING})


def _tokens(node: Node) -> Iterator[Token]:
    """Yield the tokens of the document that a node is, or belongs to."""
    token = node.loc.start_token if node.loc else None
    while token is not None and token.prev is not None:
        token = token.prev
    while token is not None:
        yield token
        token = token.next


def _syntax_code(message: str) -> str:
    if "nested too deeply" in message:
        return "TOO_DEEP"
    return "TOO_MANY_TOKENS" if "contains more than" in message else "SYNTAX"


def check_document(
    schema: GraphQLSchema, document: DocumentNode, limits: Limits
) -> tuple[Weight, tuple[GraphQLError, ...]]:
    """Return what the document weighs, and why it may not run: a limit, else what is not valid."""
    try:
        weight = weigh(document, limits)
    except GraphQLError as refusal:
        return Weight(), (refusal,)
    found = validate(schema, document, _RULES, max_errors=ERRORS_MAX, hide_suggestions=True)
    return weight, tuple(_with_code(error, "INVALID_DOCUMENT") for error in found)


def _unnamed(document: DocumentNode) -> tuple[GraphQLError, ...]:
    """Return why a document of several operations does not run when none of them is named."""
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    if len(operations) < 2:  # noqa: PLR2004
        return ()
    message = "The document has several operations: name one as operationName."
    return (GraphQLError(message, operations[:2], extensions={"code": "OPERATION_NAME"}),)


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
