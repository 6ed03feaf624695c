from hypothesis import given
from hypothesis import strategies as st

from federation.published.rules import Kind, Reading, Rule, RuleList
from federation.reservations.comparing import compare, digest_of, packed_rules, unpacked_rules
from tests.published.reserving import reserving

PATHS = ["/", "/a/", "/a*", "/a/b*", "/a/b$", "/*b"]
rules = st.builds(Rule, st.sampled_from(PATHS), st.booleans(), st.just("line 1"), st.just("text"))
lists = st.builds(
    RuleList,
    st.sampled_from(["x", "y"]),
    st.sampled_from([("TRAIN",), ("TRAIN", "RAG"), ("*",)]),
    st.lists(rules, max_size=4).map(tuple),
)
ADDRESSES = ["/", "/a", "/a/", "/a/b", "/a/bc", "/b"]


def reserved(lists_):
    reading = Reading(Kind.ROBOTS, "h", tuple(lists_), ())
    return {
        (path, use)
        for path in ADDRESSES
        for use in ("TRAIN", "RAG", "OTHER")
        if reserving(reading, path, use)
    }


@given(st.lists(lists, max_size=4), st.lists(lists, max_size=4))
def test_a_later_file_takes_nothing_away_before_somebody_confirms(before, after):
    held = {digest_of(each): each for each in before}

    found = compare(held, after)

    holding = [each for digest, each in held.items() if digest not in found.tightened]
    assert reserved([*holding, *found.new.values()]) == reserved([*before, *after])
    confirmed = [
        each for digest, each in held.items() if digest not in found.tightened | found.missing
    ]
    assert reserved([*confirmed, *found.new.values()]) == reserved(after)


@given(lists)
def test_a_list_is_the_same_wherever_its_rules_stand(each):
    moved = tuple(rule._replace(place="line 9") for rule in reversed(each.rules))

    assert digest_of(RuleList("other", each.uses, moved)) == digest_of(each)
    assert unpacked_rules(packed_rules(each.rules)) == list(each.rules)
