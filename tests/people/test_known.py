"""A standing is remembered for seconds, for so many people, and never past a change."""

import pytest

from federation.people import known
from federation.people.known import SECONDS, Known, Standing

AUDITOR, NOBODY = Standing(frozenset({"auditor"})), Standing()


@pytest.fixture
def seconds():
    return [100.0]


@pytest.fixture
def people(seconds):
    return Known(lambda: seconds[0])


def test_nobody_is_known_who_was_not_asked_for(people):
    assert people.find("anna") is None


def test_an_answer_is_kept_until_it_is_too_old(people, seconds):
    people.keep("anna", AUDITOR, people.asking())
    people.keep("bert", NOBODY, people.asking())

    seconds[0] += SECONDS - 0.5
    assert (people.find("anna"), people.find("bert")) == (AUDITOR, NOBODY)
    seconds[0] += 0.5
    assert (people.find("anna"), people.find("bert")) == (None, None)


def test_an_answer_is_as_old_as_its_question(people, seconds):
    asked = people.asking()
    seconds[0] += SECONDS
    people.keep("anna", AUDITOR, asked)

    assert people.find("anna") is None


def test_a_change_forgets_everybody_and_what_was_asked_before_it(people):
    people.keep("anna", AUDITOR, people.asking())
    asked = people.asking()

    people.forget()
    people.keep("bert", AUDITOR, asked)

    assert (people.find("anna"), people.find("bert")) == (None, None)


def test_who_was_used_longest_ago_gives_way(people, monkeypatch):
    monkeypatch.setattr(known, "PEOPLE_MAX", 2)
    for subject in ("anna", "bert"):
        people.keep(subject, AUDITOR, people.asking())
    people.find("anna")
    people.keep("cara", AUDITOR, people.asking())

    assert [people.find(subject) for subject in ("anna", "bert", "cara")] == [
        AUDITOR,
        None,
        AUDITOR,
    ]
