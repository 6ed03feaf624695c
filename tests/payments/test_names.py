from federation.payments import names
from federation.values.month import Month

MONTH = Month("2026-09")
RUN = "0123456789abcdef" * 4


def test_each_kind_of_payment_has_its_own_form_of_id_within_what_banks_take():
    assert names.remittance_id(MONTH, "HUB", "GB") == "PAY-2026-09-HUB-GB"
    assert names.member_payment_id(MONTH, "GB", 7) == "PAY-2026-09-GB-000007"
    assert names.correction_id(MONTH, RUN, "GB") == "ADJ-2026-09-01234567-GB"
    assert (
        names.correction_id(MONTH, RUN, "A" * 12, "B" * 12) == "ADJ-2026-09-01234567-AAAAAAAAAAAA"
    )
    assert names.release_id(MONTH, "HC-GB-000001") == "ADJ-2026-09-HC-GB-000001"
    assert names.refund_id("CN-HUB-000001") == "REFUND-CN-HUB-000001"


def test_what_takes_the_place_of_a_payment_is_still_known_by_the_first_id():
    base = names.member_payment_id(MONTH, "GB", 7)
    ids = [names.in_place_of(base, number) for number in (1, 2, 10)]

    assert ids == [base, f"{base}/2", f"{base}/10"]
    assert {names.base_id(each) for each in ids} == {base}
    assert {names.member_payment_number(each) for each in ids} == {7}


def test_a_release_tells_its_month_and_claim_also_when_it_is_paid_again():
    first = names.release_id(MONTH, "HC-GB-000001")

    for payment_id in (first, names.in_place_of(first, 2)):
        assert names.released_by(payment_id) == ("2026-09", "HC-GB-000001")
        assert names.is_adjustment(payment_id)


def test_a_member_is_found_again_in_the_payee_that_stands_for_it():
    assert names.member_payee("a:1") == "member:a:1"
    assert names.member_of("member:a:1") == "a:1"
    assert names.lab_payee("lab-one") == "lab:lab-one"
