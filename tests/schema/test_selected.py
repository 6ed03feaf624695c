"""What a client selects of a field, however it writes it."""

import pytest
import strawberry

from federation.schema.selected import is_selected


@strawberry.type
class Thing:
    told: str
    dear: str = "-"


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, info: strawberry.Info) -> Thing:
        return Thing(told=str(is_selected(info, "dear")))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ thing { told } }", "False"),
        ("{ thing { told dear } }", "True"),
        ("{ thing { told } thing { other: dear } }", "True"),
        ("{ thing { told ... { ... on Thing { dear } } } }", "True"),
        (
            "{ thing { told ...A } } fragment A on Thing { ...B } fragment B on Thing { dear }",
            "True",
        ),
        ("{ thing { told ...A ...A } } fragment A on Thing { dear: told }", "False"),
        ("{ thing { told dear @skip(if: true) } }", "True"),
    ],
)
def test_a_part_counts_as_selected_wherever_it_is_written(document, expected):
    answer = strawberry.Schema(query=Query).execute_sync(document)
    assert answer.errors is None
    assert answer.data["thing"]["told"] == expected
