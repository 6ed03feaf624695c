"""Every field of a configuration has a meaning, and the page has every field."""

from pathlib import Path

import pytest

from federation.config import HubConfig, NodeConfig, StaffMember
from federation.configuration.fields import fields_of, steps_by_variable
from federation.configuration.page import page

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.mark.parametrize("kind", [HubConfig, NodeConfig, StaffMember])
def test_each_field_says_what_it_means(kind):
    assert [field.name for field in fields_of(kind) if not field.meaning] == []


@pytest.mark.parametrize("kind", [HubConfig, NodeConfig])
def test_each_field_has_one_variable(kind):
    fields = list(fields_of(kind))

    assert {field.variable for field in fields} == steps_by_variable(kind).keys()
    assert len({field.variable for field in fields}) == len(fields)


def test_the_page_is_what_the_types_say():
    """`python -m tools.configuration_page` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()
