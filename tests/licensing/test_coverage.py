from datetime import UTC, date, datetime

import pytest

from federation.consent.states import Reason
from federation.licensing import coverage
from federation.licensing.coverage import Covering, TooManyUsesError, check_uses, coverage_of
from federation.licensing.objects import ComponentTerms, Grant, Term
from federation.licensing.rights import Answer, Question, UrlRights
from tests.licensing.licences import a_licence

AT = datetime(2026, 9, 10, 12, tzinfo=UTC)
HERE = UrlRights("https://a.example/1", "LICENSABLE", "DE")
UNTIL = date(2026, 9, 30)


def a_number(number, *, until=UNTIL, uses=("TRAIN",), repertoire=()):
    return a_licence(
        number=number,
        grant=Grant([ComponentTerms(uses=[*uses], fee="1000")], repertoire=[*repertoire]),
        term=Term(date(2026, 9, 1), until),
    )


def asked(*rights, licences, use="TRAIN", at=AT):
    question = Question([right.url for right in rights], use, at)
    return coverage_of(question, Answer([*rights], []), licences)


def test_a_use_is_covered_by_every_licence_that_grants_it_the_longest_first():
    licences = [
        a_number("HUB-000001"),
        a_number("HUB-000002", until=date(2027, 1, 1), uses=("TRAIN", "GROUND")),
        a_number("HUB-000003", uses=("GROUND",)),
        a_number("HUB-000004", repertoire=("FR",)),
    ]

    [train] = asked(HERE, licences=licences)
    [ground] = asked(HERE, licences=licences, use="GROUND")

    longest = Covering("HUB-000002", date(2027, 1, 1))
    assert (train.licences, train.why) == ([longest, Covering("HUB-000001", UNTIL)], None)
    assert (ground.licences, ground.why) == ([longest, Covering("HUB-000003", UNTIL)], None)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("RESERVED", "WITHHELD"),
        ("DISPUTED", "DISPUTED"),
        ("NOT_REPRESENTED", "NOT_REPRESENTED"),
        ("UNKNOWN", "UNKNOWN"),
        ("MALFORMED", "MALFORMED"),
    ],
)
def test_no_licence_opens_what_may_not_be_licensed(status, why):
    reason = Reason.OPTED_OUT if status == "RESERVED" else None
    right = UrlRights("https://a.example/2", status, "DE", reason=reason)

    [found] = asked(right, licences=[a_number("HUB-000001")])

    assert (found.licences, found.why, found.right.reason) == ([], why, reason)


@pytest.mark.parametrize(
    ("licences", "at"),
    [
        ([], AT),
        ([a_number("HUB-000001", uses=("GROUND",))], AT),
        ([a_number("HUB-000001", repertoire=("FR",))], AT),
        ([a_number("HUB-000001")], datetime(2026, 10, 1, tzinfo=UTC)),
        ([a_licence(revoked_at=datetime(2026, 9, 10, tzinfo=UTC), status="REVOKED")], AT),
    ],
    ids=["none", "use", "repertoire", "term", "revoked"],
)
def test_what_can_be_licensed_and_is_not_lies_outside_the_grant(licences, at):
    [found] = asked(HERE, licences=licences, at=at)

    assert (found.licences, found.why) == ([], "OUTSIDE_GRANT")


def test_addresses_stand_in_the_order_asked_each_with_its_own_collective():
    there = UrlRights("https://b.example/", "LICENSABLE", "FR")
    licences = [a_number("HUB-000001", repertoire=("FR",))]

    found = asked(HERE, there, HERE, licences=licences)

    assert [(each.right.url, each.why) for each in found] == [
        ("https://a.example/1", "OUTSIDE_GRANT"),
        ("https://b.example/", None),
        ("https://a.example/1", "OUTSIDE_GRANT"),
    ]


def test_ten_licences_are_named_at_most():
    licences = [a_number(f"HUB-{number:06d}") for number in range(1, 13)]

    [found] = asked(HERE, licences=licences)

    assert [each.number for each in found.licences] == [f"HUB-{n:06d}" for n in range(1, 11)]


def test_a_use_is_asked_about_once_and_no_more_than_eight():
    assert check_uses(["B", "A", "B"]) == ["B", "A"]
    for uses in ([], [f"U{n}" for n in range(coverage.USES_MAX + 1)]):
        with pytest.raises(TooManyUsesError) as refused:
            check_uses(uses)
        assert refused.value.code == "TOO_MANY_USES"
