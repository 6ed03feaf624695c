import pytest

from federation.values.ids import is_plain_id
from federation.values.licence_key import component_of, licence_key, number_of


@pytest.mark.parametrize(
    ("component", "text"), [(None, "HUB-000001"), ("train", "HUB-000001/train")]
)
def test_a_licence_key_comes_apart_as_it_was_put_together(component, text):
    key = licence_key("HUB-000001", component)

    assert key == text
    assert (number_of(key), component_of(key)) == ("HUB-000001", component)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("train", True), ("a~b", True), ("", False), ("~", False), ("~a", False), ("a/b", False)],
)
def test_an_id_can_be_told_from_a_key_and_from_who_stands_for_a_party(text, expected):
    assert is_plain_id(text) is expected
