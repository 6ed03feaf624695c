from federation.payments import names
from federation.values.month import Month

MONTH = Month("2026-09")
RUN = "0123456789abcdef" * 4


def test_each_kind_of_payment_has_its_own_form_of_id_within_what_banks_take():
    assert names.remittance_id(MONTH, "HUB", "GB") == "PAY-2026-09-HUB-GB"
    assert names.member_payment_id(MONTH, "GB", 7) == "PAY-2026-09-GB-000007"
    assert names.correction_id(MONTH, RUN, "GB") == "ADJ-2026-09-01234567-GB"
    assert names.release_id(MONTH, "HC-GB-000001") == "ADJ-2026-09-HC-GB-000001"
    assert names.refund_id("CN-HUB-000001") == "REFUND-CN-HUB-000001"


def test_a_remittance_since_a_debtor_left_is_no_replacement_of_the_one_before():
    whole = names.remittance_id(MONTH, "GB", "HUB")
    since = names.remittance_id(MONTH, "GB", "HUB", left=2)

    assert since == "PAY-2026-09-GB-HUB+L2"
    assert names.base_id(f"{since}/2") == since != names.base_id(f"{whole}/2") == whole
    longest = names.remittance_id(MONTH, "A" * 12, "HUB", left=99)
    assert len(names.in_place_of(longest, 9)) == 34  # within what a bank takes


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


LONG = "A" * 12
AT_THE_LIMIT = "B" * 8  # PAY-2026-09- and two codes and a hyphen: 33 characters, and room for /2


def test_an_id_is_whole_up_to_what_a_bank_takes_and_ends_with_a_digest_beyond():
    assert names.remittance_id(MONTH, LONG, "B" * 7) == f"PAY-2026-09-{LONG}-{'B' * 7}"
    assert names.remittance_id(MONTH, LONG, AT_THE_LIMIT) == f"PAY-2026-09-{LONG}-{AT_THE_LIMIT}"
    assert names.remittance_id(MONTH, LONG, "B" * 9) == f"PAY-2026-09-{LONG}-4e933d4c"
    assert names.correction_id(MONTH, RUN, "A" * 12) == f"ADJ-2026-09-01234567-{LONG}"
    assert names.correction_id(MONTH, RUN, "A" * 6, "B" * 5) == "ADJ-2026-09-01234567-AAAAAA-BBBBB"
    assert names.correction_id(MONTH, RUN, "A" * 6, "B" * 6) == "ADJ-2026-09-01234567-AAA-dc3eeba4"


def test_no_two_parties_share_an_id_however_long_their_codes_are():
    others = [f"BBBBBBBBBB-{last}" for last in "CDEF"]

    for make in (
        lambda other: names.remittance_id(MONTH, LONG, other),
        lambda other: names.correction_id(MONTH, RUN, LONG, other),
    ):
        ids = {make(other) for other in others}
        assert len(ids) == len(others)
        assert {len(each) for each in ids} == {33}


def test_a_long_correction_is_still_told_from_a_release_and_known_when_it_is_paid_again():
    first = names.correction_id(MONTH, RUN, LONG, "B" * 12)

    assert len(names.in_place_of(first, 2)) == 35
    assert names.base_id(names.in_place_of(first, 2)) == first
    assert names.is_adjustment(first)


def test_no_id_is_longer_than_lets_another_take_its_place():
    claim = f"HC-{LONG}-00000001"
    ids = [
        names.remittance_id(MONTH, LONG, LONG),
        names.remittance_id(MONTH, LONG, "HUB", left=99),
        names.release_id(MONTH, claim),
        names.direct_release_id(MONTH, claim, LONG, "EUR"),
        names.correction_id(MONTH, RUN, LONG, LONG),
        names.member_payment_id(MONTH, LONG, 999_999),
        names.refund_id(names.overpayment_id(names.remittance_id(MONTH, LONG, LONG))),
    ]

    assert max(len(names.in_place_of(each, 9)) for each in ids) == 35
    assert names.release_id(MONTH, claim) == "ADJ-2026-09-HC-AAAAAAAAA-c60e05b0"
    assert len({names.release_id(MONTH, f"HC-{LONG}-00000{n}") for n in range(1, 4)}) == 3
