"""Nothing in a schema is without its meaning, and no meaning is written for what is not there."""

import pytest
from strawberry import Schema

from federation.schema.described import parts, words
from federation.schema.hub import schema as hub
from federation.schema.node import schema as node

GRAPHQLS_OWN = {"Boolean", "Float", "ID", "Int", "String"}


def shown(places):
    table, name = places[0]
    return f"{table}.{name}"


@pytest.mark.parametrize("schema", [hub, node], ids=["hub", "node"])
def test_every_part_says_what_it_means(schema: Schema):
    types = schema._schema.type_map.values()
    unsaid = [shown(places) for places, part in parts(schema._schema) if not part.description]
    unsaid += [each.name for each in types if not each.description]

    assert unsaid == []


@pytest.mark.parametrize("schema", [hub, node], ids=["hub", "node"])
def test_what_is_said_is_a_sentence(schema: Schema):
    said = {part.description for _, part in parts(schema._schema)}
    said |= {
        each.description
        for each in schema._schema.type_map.values()
        if each.name not in GRAPHQLS_OWN and not each.name.startswith("__")
    }

    assert [text for text in said if not text.endswith(".") or text != text.strip()] == []


def test_no_text_is_written_for_what_is_not_there():
    """A text that the class of its part says as well is one too many."""
    used = set()
    for schema in (hub, node):
        for places, part in parts(schema._schema):
            for table, name in places:
                if words().get(table, {}).get(name) == part.description:
                    used.add((table, name))
                    break

    assert sorted({(table, name) for table in words() for name in words()[table]} - used) == []
