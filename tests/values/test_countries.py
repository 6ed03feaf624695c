"""A country is one of ISO 3166, not any two letters."""

import pytest

from federation.values.countries import country_code


@pytest.mark.parametrize("text", ["GB", "DE", "KW", "XK"])
def test_a_country_is_itself(text):
    assert country_code(text) == text


@pytest.mark.parametrize("text", ["UK", "EU", "XX", "gb", "GBR", "G", ""])
def test_what_is_none_is_refused_and_named(text):
    with pytest.raises(ValueError, match=f"{text!r} is no country code of ISO 3166, such as GB"):
        country_code(text)
