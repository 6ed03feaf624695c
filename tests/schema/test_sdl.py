from pathlib import Path

import pytest
from graphql import build_schema

from federation.cli.sdl import openapi_text, sdl

SCHEMA = Path(__file__).parents[2] / "federation" / "schema"


@pytest.mark.parametrize("role", ["hub", "node"])
def test_the_committed_schema_is_the_one_that_is_served(role):
    committed = (SCHEMA / f"{role}.graphql").read_text(encoding="utf-8")

    assert sdl(role) == committed, f"write it again: federation schema {role}"


def test_both_roles_name_every_refusal_alike():
    hub, node = (
        build_schema(sdl(role), assume_valid_sdl=True).get_type("Refused").fields
        for role in ("hub", "node")
    )

    assert {name: str(field.type) for name, field in hub.items()} == {
        "code": "String!",
        "message": "String!",
    }
    assert list(hub) == list(node)


@pytest.mark.parametrize("role", ["hub", "node"])
def test_the_committed_openapi_document_is_the_one_that_is_served(role):
    committed = (SCHEMA / f"{role}.openapi.json").read_text(encoding="utf-8")

    assert openapi_text(role) == committed, f"write it again: federation openapi {role}"
