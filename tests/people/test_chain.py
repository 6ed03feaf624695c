"""Each act commits to all before it: what is altered, missing, swapped or put in is named."""

from hypothesis import given
from hypothesis import strategies as st

from federation.people.chain import GENESIS, Link, broken, hash_of

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
CONTENTS = st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), min_size=1, max_size=8)


def chain_of(contents):
    """Return the links of some acts, each (actor, act, subject, detail)."""
    links, previous = [], GENESIS
    for number, content in enumerate(contents, 1):
        link = Link(number, f"2026-11-{number:02d}T12:00:00.000000+00:00", *content, previous, "")
        links.append(link._replace(hash=hash_of(link)))
        previous = links[-1].hash
    return links


async def found(links):
    async def each():
        for link in links:
            yield link

    return await broken(each())


THREE = chain_of([("anna", "licence.issue", "HUB-000001", "{}")] * 3)


def test_a_hash_is_of_the_canonical_json_of_all_else():
    link = Link(
        number=1,
        at="2026-11-26T12:00:00.000000+00:00",
        actor="anna",
        act="licence.revoke",
        subject="HUB-000001",
        detail='{"reason":"unpaid"}',
        previous=GENESIS,
        hash="",
    )

    # printf '%s' '{"act":"licence.revoke","actor":"anna","at":"2026-11-26T12:00:00.000000+00:00",
    # "detail":"{\"reason\":\"unpaid\"}","number":1,"previous":"000…0","subject":"HUB-000001"}' in
    # one line | sha256sum
    assert hash_of(link) == "a5ea408a0f5b75bf2ca45a50631ff8342c194cc7a14c4b40acad1666f558c08e"
    assert hash_of(link._replace(hash="f" * 64)) == hash_of(link)


@given(CONTENTS)
async def test_what_was_recorded_is_sound(contents):
    assert await found(chain_of(contents)) == (len(contents), [])


@given(CONTENTS, st.data())
async def test_any_altered_field_is_named(contents, data):
    links = chain_of(contents)
    place = data.draw(st.integers(0, len(links) - 1))
    name = data.draw(st.sampled_from(["at", "actor", "act", "subject", "detail"]))
    links[place] = links[place]._replace(**{name: getattr(links[place], name) + "x"})

    assert await found(links) == (
        len(links),
        [f"act {place + 1}: its content is not what was recorded"],
    )


@given(CONTENTS, st.data())
async def test_an_altered_act_whose_hash_was_made_anew_breaks_the_next(contents, data):
    links = chain_of([*contents, ("last", "", "", "")])
    place = data.draw(st.integers(0, len(links) - 2))
    altered = links[place]._replace(actor=links[place].actor + "x")
    links[place] = altered._replace(hash=hash_of(altered))

    assert await found(links) == (
        len(links),
        [f"act {place + 2}: does not follow the act before it"],
    )


@given(CONTENTS, st.data())
async def test_a_missing_act_is_named(contents, data):
    links = chain_of([*contents, ("last", "", "", "")])
    place = data.draw(st.integers(0, len(links) - 2))
    del links[place]

    assert await found(links) == (len(links), [f"act {place + 1}: missing"])


@given(CONTENTS, st.data())
async def test_two_acts_that_changed_places_are_named(contents, data):
    links = chain_of([*contents, ("last", "", "", "")])
    one = data.draw(st.integers(0, len(links) - 2))
    other = data.draw(st.integers(one + 1, len(links) - 1))
    numbers = links[one].number, links[other].number
    links[one], links[other] = (
        links[other]._replace(number=numbers[0]),
        links[one]._replace(number=numbers[1]),
    )

    _, wrong = await found(links)

    for number in numbers:
        assert f"act {number}: its content is not what was recorded" in wrong


async def test_one_put_in_at_the_end_is_named_unless_it_follows():
    forged = THREE[2]._replace(number=4)

    assert await found([*THREE, forged]) == (
        4,
        [
            "act 4: does not follow the act before it",
            "act 4: its content is not what was recorded",
        ],
    )


async def test_a_first_act_that_follows_something_is_named():
    first = THREE[0]._replace(previous="1" * 64)
    first = first._replace(hash=hash_of(first))

    assert await found([first]) == (1, ["act 1: does not follow the act before it"])


async def test_a_gap_too_large_to_name_each_is_named_by_its_ends():
    far = THREE[0]._replace(number=3_000)
    far = far._replace(hash=hash_of(far))

    assert await found([THREE[0], far]) == (2, ["act 2 to 2999: missing"])
