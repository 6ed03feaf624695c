import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses.matching import pattern_matches
from federation.addresses.patterns import FiledPatterns

MANY = 5_000
pieces = st.text(alphabet="ab", max_size=3)
patterns = st.builds(
    lambda first, others, end: "*".join(["/" + first, *others]) + end,
    pieces,
    st.lists(pieces, min_size=1, max_size=4),
    st.sampled_from(["", "$"]),
)


class Counted(str):
    """A path that counts how often it is cut, or something is looked for in it."""

    __slots__ = ("looks",)

    def __new__(cls, text):
        made = super().__new__(cls, text)
        made.looks = 0
        return made

    def __getitem__(self, part):
        self.looks += 1
        return super().__getitem__(part)

    def find(self, *arguments):
        self.looks += 1
        return super().find(*arguments)


def filed(*said):
    found = FiledPatterns()
    for number, pattern in enumerate(said):
        found.add(pattern, number)
    return found


@given(st.lists(patterns, max_size=40), st.text(alphabet="ab/", max_size=6).map("/".__add__))
def test_exactly_the_patterns_that_match_are_found_in_the_order_of_filing(said, path):
    matching = [number for number, each in enumerate(said) if pattern_matches(each, path)]

    assert list(filed(*said).matching(path)) == matching


@pytest.mark.parametrize(
    ("pattern", "looks"),
    [
        ("/{:04}*x*", 2),  # one start, one piece behind it
        ("/*x{:04}", 12 + 1),  # all that is five letters long, and where it stands
        ("/*a*x{:04}", 2 + 5 + 1),
        ("/*x{:04}$", 2),
        ("/*a*x{:04}$", 3),
    ],
)
def test_how_many_patterns_there_are_makes_no_difference_to_a_path(pattern, looks):
    said = [pattern.format(number) for number in range(MANY)]
    path = Counted("/0017/a.b.cx0017")

    found = filed(*said).matching(path)

    assert found == (17,)
    assert path.looks == looks


def test_what_is_filed_twice_is_found_twice():
    found = filed("/a*", "/*", "/a*")

    assert found.matching("/ab") == (0, 1, 2)
    assert found.matching("/b") == (1,)
    assert found.matching("/a") == (0, 1, 2)
