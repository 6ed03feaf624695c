"""How a path is found in an index: what is asked is what the database computes of its rows."""

import random

from sqlalchemy import Text, bindparam, select

from federation.claimindex.place_keys import (
    HEAD_LENGTH,
    path_head,
    path_length,
    path_rest,
    place_of,
)

PIECES = ("/", "a", "*", "$", "%", "_", "é", "日", "\U0001f600", "bc/", "x" * 499)
LONG = ("/" + "x" * HEAD_LENGTH + "*y", "/*" + "z" * 2_000, "/" + "x" * (HEAD_LENGTH - 2) + "*y")


def _paths():
    pick = random.Random(7)
    yield from LONG
    for _ in range(100):
        yield "/" + "".join(pick.choices(PIECES, k=pick.randint(0, 8)))


def _asked(*, may_be_pattern):
    path = bindparam("path", type_=Text())
    rest = [path_rest(path)] if may_be_pattern else []
    letters = path_length(path, may_be_pattern=may_be_pattern)
    return select(letters, path_head(path, may_be_pattern=may_be_pattern), *rest)


async def test_a_place_is_what_the_database_makes_of_its_path(database):
    async with database.read() as session:
        for path in _paths():
            for may_be_pattern in (True, False):
                query = _asked(may_be_pattern=may_be_pattern)
                [row] = await session.execute(query, {"path": path})
                expected = place_of(path, may_be_pattern=may_be_pattern)
                assert tuple(row) == expected[: len(row)], path


def test_places_of_a_path_of_a_pattern_and_of_a_path_that_looks_like_one():
    assert place_of("/a/b$", may_be_pattern=True) == (5, "/a/b$", "")
    assert place_of("/a/*/b$", may_be_pattern=True) == (-4, "/a/", "*/b$")
    assert place_of("/a/*", may_be_pattern=False) == (4, "/a/*", "")
