"""Answers of other servers, passed on as they came: the executor leaves them as they are."""

from typing import Any

from graphql import GraphQLOutputType, GraphQLResolveInfo
from graphql.pyutils import Path, Undefined

from federation.schema.compiled import Compiling
from federation.schema.context import Context


class Spliced:
    """A value that is already what the answer has to hold: JSON, with `msgspec.Raw` in it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Splicing(Compiling):
    """Executes as ever, and takes what is spliced in as it is: whoever made it has checked it.

    The variables are given to the resolvers as they were sent, too, to be passed on.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if isinstance(self.context_value, Context):
            self.context_value.sent = {
                name: source.value
                for name, source in self.variable_values.sources.items()
                if source.value is not Undefined
            }

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Return what is spliced in; complete everything else."""
        if type(result) is Spliced:
            return result.value
        return super().complete_value(
            return_type, field_details_list, info, path, result, position_context
        )
