import pytest

from federation.values.licence_key import component_of, is_component_id, licence_key, number_of


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
def test_a_component_id_can_be_told_from_a_party_and_a_number(text, expected):
    assert is_component_id(text) is expected
