"""A server of one small schema: what the tests and the judges ask to see the house rules."""

import sys
from datetime import datetime

import strawberry
import uvicorn
from litestar import Litestar

from federation.errors import RefusalError
from federation.logs import configure
from federation.schema.controller import graphql_controller
from federation.schema.guards import Schema, extensions
from federation.schema.scalars import BigInt, Money, schema_config


class ClosedError(RefusalError):
    """The counter is closed."""

    code = "CLOSED"


@strawberry.type
class Node:
    """Something that nests."""

    name: str = "leaf"

    @strawberry.field
    def child(self) -> "Node":
        return Node()


@strawberry.type
class Query:
    """Reads."""

    @strawberry.field
    def node(self) -> Node:
        return Node()

    @strawberry.field
    def echo(self, number: BigInt) -> BigInt:
        return number

    @strawberry.field
    def instant(self, at: datetime) -> datetime:
        return at

    @strawberry.field
    def total(self, numbers: list[int]) -> int:
        return sum(numbers)

    @strawberry.field
    def price(self) -> Money:
        return Money.of(123456, "EUR")

    @strawberry.field
    def defect(self) -> int | None:
        message = "the password is swordfish"
        raise KeyError(message)

    @strawberry.field
    def missing(self) -> int:
        return None  # type: ignore[return-value]

    @strawberry.field
    def counter(self) -> int | None:
        detail = "until Monday"
        raise ClosedError(detail)


@strawberry.type
class Mutation:
    """Writes."""

    @strawberry.mutation
    def add(self, number: int) -> int:
        return number + 1


async def context() -> dict[str, str]:
    """Give every request an empty context."""
    return {}


schema = Schema(query=Query, mutation=Mutation, extensions=extensions(), config=schema_config())
app = Litestar(
    route_handlers=[graphql_controller(schema, context)], openapi_config=None, logging_config=None
)

if __name__ == "__main__":
    configure("warning")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None)
