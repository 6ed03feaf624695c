"""What index and owners say together: the stricter word stands, silence is no right."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from federation.consent.states import Reason
from federation.licensing.rights import Draft, Question, Reply, UrlRights, Word
from federation.licensing.tariff import TariffBody
from federation.money import Money

AT = datetime(2026, 9, 20, tzinfo=UTC)
URL = "https://news.example/de/1"
TARIFF = TariffBody(
    currency="EUR", per_1000={"TRAIN": {"premium": 900, "standard": 0}}, minimum_fee=0
)


def a_draft(*items, tariff=TARIFF):
    found = {item.url: item for item in items}
    return Draft(Question(list(found), "TRAIN", AT), found, tariff)


def at_de(status="LICENSABLE", tier="premium", url=URL):
    return UrlRights(url, status, "DE", tier)


def answering(**rights):
    return Reply(
        "DE",
        "OK",
        3,
        rights={URL: Word(rights["status"], rights.get("tier", "premium"), rights.get("reason"))},
    )


@pytest.mark.parametrize(
    ("index", "owner", "status"),
    [
        ("LICENSABLE", "LICENSABLE", "LICENSABLE"),
        ("LICENSABLE", "RESERVED", "RESERVED"),
        ("LICENSABLE", "DISPUTED", "DISPUTED"),
        ("LICENSABLE", "NOT_REPRESENTED", "NOT_REPRESENTED"),
        ("RESERVED", "LICENSABLE", "RESERVED"),
        ("DISPUTED", "LICENSABLE", "DISPUTED"),
        ("DISPUTED", "RESERVED", "RESERVED"),
    ],
)
def test_the_stricter_of_index_and_owner_stands(index, owner, status):
    [item] = a_draft(at_de(index)).merged([answering(status=owner)]).items

    assert item.status == status


def test_of_two_reasons_the_first_of_their_order_is_named():
    known = replace(at_de("RESERVED"), reason=Reason.WITHDRAWN)
    told = [answering(status="RESERVED", reason=reason) for reason in (Reason.OPTED_OUT, None)]

    reasons = [a_draft(known).merged([reply]).items[0].reason for reply in told]

    assert reasons == [Reason.OPTED_OUT, Reason.WITHDRAWN]


@pytest.mark.parametrize(
    ("index", "status"),
    [("LICENSABLE", "UNKNOWN"), ("DISPUTED", "UNKNOWN"), ("RESERVED", "RESERVED")],
)
@pytest.mark.parametrize("reply", [Reply("DE", "TIMEOUT"), Reply("DE", "OK", 3, rights={})])
def test_what_its_owner_does_not_answer_for_is_unknown_unless_withheld(index, status, reply):
    [item] = a_draft(at_de(index)).merged([reply]).items

    assert (item.status, item.per_1000) == (status, None)


def test_a_silent_owner_costs_its_own_addresses_only():
    other = UrlRights("https://fr.example/", "LICENSABLE", "FR", "premium")
    draft = a_draft(at_de(), other)
    replies = [
        Reply("DE", "TIMEOUT"),
        Reply("FR", "OK", 1, rights={other.url: Word("LICENSABLE", "premium")}),
    ]

    answer = draft.merged(replies)

    assert draft.to_ask == {"DE": [URL], "FR": [other.url]}
    assert [item.status for item in answer.items] == ["UNKNOWN", "LICENSABLE"]
    assert not answer.is_complete


def test_an_owner_says_nothing_of_anothers_addresses():
    theirs = UrlRights("https://fr.example/", "LICENSABLE", "FR", "premium")
    meddling = Reply("DE", "OK", 1, rights={theirs.url: Word("RESERVED", None)})
    own = Reply("FR", "OK", 1, rights={theirs.url: Word("LICENSABLE", "premium")})

    [item] = a_draft(theirs).merged([own, meddling]).items

    assert item.status == "LICENSABLE"


@pytest.mark.parametrize(
    ("status", "tier", "price"),
    [
        ("LICENSABLE", "premium", Money(900, "EUR")),
        ("LICENSABLE", "standard", Money(0, "EUR")),
        ("LICENSABLE", "commodity", None),
        ("LICENSABLE", None, None),
        ("RESERVED", "premium", None),
    ],
)
def test_a_price_stands_beside_what_is_for_sale_only(status, tier, price):
    [item] = a_draft(at_de()).merged([answering(status=status, tier=tier)]).items

    assert item.per_1000 == price


def test_without_a_tariff_nothing_has_a_price():
    answer = a_draft(at_de(), tariff=None).merged([answering(status="LICENSABLE")])

    assert answer.items == [at_de()]
    assert answer.is_complete
