"""I1 to I8, I16, I18 and I19 for whatever was sold, used and paid."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from federation.ledger.accounts import Accounts, Entry, require_movement
from federation.ledger.beancount import ExportEntry, ExportPosting
from federation.ledger.hledger import HledgerText
from federation.money import decimal_text, exponent
from federation.payments import postings
from federation.payments.postings import Amount, Leg
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.clearing import converted
from federation.settlement.rates import MAX_AGE, reference_rates
from federation.settlement.run import compute, document_rates
from federation.settlement.run_document import encode, run_id
from federation.values.party import HUB
from tests.ledger.hledger_reader import read
from tests.ledger.journals import write_journal
from tests.properties.months import (
    PARTIES,
    POSTED_ON,
    balances,
    documents,
    entries_of_month,
    shared_out,
)

NODES = PARTIES[1:]
parties = st.sampled_from(PARTIES)
days = st.dates(date(2026, 8, 1), date(2026, 10, 31))


@given(documents, parties)
def test_i1_every_entry_of_a_month_sums_to_zero_in_every_currency(document, party):
    for entry in entries_of_month(document, compute(document), party):
        require_movement(entry)
        for currency in {row.currency for row in entry.postings}:
            legs = [(row.amount, -row.amount) for row in entry.postings if row.currency == currency]
            assert sum(map(sum, legs)) == 0


@given(documents, parties)
def test_i2_the_ledger_of_every_party_sums_to_zero_and_an_outside_reader_agrees(document, party):
    entries = entries_of_month(document, compute(document), party)
    exported = [
        ExportEntry(
            entry.posted_on,
            entry.document,
            entry.narration,
            [
                ExportPosting(row.debit, row.credit, row.amount, row.currency, row.meta)
                for row in entry.postings
            ],
        )
        for entry in entries
    ]
    found = {
        key: sum_
        for key, sum_ in read(write_journal(HledgerText(party), exported).decode()).items()
    }

    assert {key: amount for key, amount in found.items() if amount} == balances(entries)
    for currency in {currency for _, currency in found}:
        assert sum(amount for (_, of), amount in found.items() if of == currency) == 0
    assert all(account.split(":")[1] == party for account, _ in found)


@given(documents, parties)
def test_i3_amounts_are_integers_of_currencies_with_an_exponent(document, party):
    for entry in entries_of_month(document, compute(document), party):
        for row in entry.postings:
            assert type(row.amount) is int
            assert exponent(row.currency) >= 0


@given(documents)
def test_i4_a_fee_is_fees_shares_and_suspense_and_a_nodes_income_is_its_members(document):
    result = compute(document)
    for licence in result.licences.values():
        revenue = licence.revenue
        out = revenue.clearing_fee + revenue.collecting_fee + licence.carried_forward
        out += sum(licence.shares.values())
        assert out == revenue.recognised + revenue.brought_forward
    for node in NODES:
        _, shared = shared_out(document, result, node)
        members = sum(shared.attributed.values()) + sum(shared.outstanding.values())
        assert shared.received + shared.domestic == shared.admin_fee + members


weights = st.dictionaries(st.text(max_size=3), st.integers(0, 10**20), min_size=1, max_size=9)


@given(st.integers(0, 10**18), weights.filter(lambda by: any(by.values())), st.randoms())
def test_i5_shares_are_near_the_exact_ones_in_the_order_of_weights(total, by_key, random):
    shares = largest_remainder(total, by_key, scope="2026-09/L")
    whole = sum(by_key.values())
    shuffled = list(by_key.items())
    random.shuffle(shuffled)

    assert sum(shares.values()) == total
    assert largest_remainder(total, dict(shuffled), scope="2026-09/L") == shares
    for key, weight in by_key.items():
        share = shares.get(key, 0)
        assert abs(share - Fraction(total * weight, whole)) < 1
        assert share == 0 or weight > 0
        assert all(share >= shares.get(k, 0) for k, other in by_key.items() if other < weight)


@given(documents)
def test_i6_nets_sum_to_zero_and_netting_only_takes_away(document):
    result = compute(document)
    gross = sum(row.cleared for row in result.cleared)

    assert sum(position.net for position in result.positions.values()) == 0
    assert sum(abs(position.net) for position in result.positions.values()) <= 2 * gross


def clearing_of(found, party):
    account = Accounts(party).equity("Clearing")
    return {currency: amount for (name, currency), amount in found.items() if name == account}


@given(documents, st.sampled_from(NODES))
def test_i7_what_a_month_leaves_in_clearing_is_what_was_sold_in_other_currencies(document, node):
    """Who sold nothing has an empty exchange account as soon as the run is posted."""
    result = compute(document)
    found = clearing_of(balances(entries_of_month(document, result, node)), node)
    home = document.collectives[node].settlement_currency
    sold = {row.currency for row in result.licences.values() if row.licensor == node}

    if sold <= {home}:
        assert found == {}
    assert set(found) <= {*sold, home}


@given(documents, st.data())
def test_i7_after_everything_is_paid_clearing_is_empty_in_every_currency(document, data):
    """The hub pays and is paid in each node's currency, then sells what it holds in others."""
    result, books = compute(document), Accounts(HUB)
    moved = [row for entry in entries_of_month(document, result, HUB) for row in entry.postings]
    for node, remitted in result.remittances.items():
        debt = Leg(books.due(node), Amount(abs(result.positions[node].net), "EUR"))
        paid = Amount(abs(remitted), document.collectives[node].settlement_currency)
        if remitted > 0:
            moved += postings.exported(books, "P", debt, POSTED_ON, {}).postings
            moved += postings.booked(books, debt, paid, paid, {})
        elif remitted < 0:
            moved += postings.credited(books, debt, paid, paid, {})
    for currency, amount in clearing_of(sums_of(moved), HUB).items():
        bank = Amount(data.draw(st.integers(1, 2 * abs(amount) + 1)), currency)
        at_bank = Leg(books.suspense("BankEntry"), bank)
        squared = Leg(books.equity("Clearing"), Amount(abs(amount), currency))
        debit, credit = (at_bank, squared) if amount > 0 else (squared, at_bank)
        moved += postings.exchanged(books, debit, credit, {})

    found = sums_of(moved)
    assert clearing_of(found, HUB) == {}
    on_its_way = (":Due:", ":InTransit")
    assert [name for name, _ in found if any(part in name for part in on_its_way)] == []


def sums_of(moved):
    return balances([Entry(POSTED_ON, "all", "all", tuple(moved))])


@given(documents, parties)
def test_i8_the_same_inputs_give_the_same_name_and_the_same_entries(document, party):
    first, second = compute(document), compute(document)

    assert run_id(encode(document)) == run_id(encode(document))
    assert entries_of_month(document, first, party) == entries_of_month(document, second, party)


@given(st.integers(1, 10**30), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_i16_a_payment_is_written_with_the_decimals_of_its_currency(amount, currency):
    text = decimal_text(amount, currency)

    assert len(text.partition(".")[2]) == exponent(currency)
    assert int(text.replace(".", "")) == amount


@given(documents, parties)
def test_i18_disputed_and_unmatched_shares_go_to_suspense_in_their_currency(document, party):
    result = compute(document)
    found = balances(entries_of_month(document, result, party))
    for name, who in (("Disputed", "~DISPUTED"), ("Unmatched", "~UNMATCHED")):
        wanted = {}
        for row in result.licences.values():
            if row.licensor == party and row.shares.get(who):
                wanted[row.currency] = wanted.get(row.currency, 0) + row.shares[who]
        account = Accounts(party).suspense(name)
        assert {c: -amount for (a, c), amount in found.items() if a == account} == wanted


@given(documents)
def test_i18_the_undisputed_rest_settles(document):
    result = compute(document)
    owed = sum(row.amount for row in result.obligations if row.kind == "share")
    shares = sum(
        amount
        for row in result.licences.values()
        for who, amount in row.shares.items()
        if who != row.licensor and not who.startswith("~")
    )

    assert owed == shares


tables = st.lists(
    st.tuples(days, st.sampled_from(["GBP", "JPY"]), st.integers(1, 10**6).map(str)),
    max_size=12,
    unique_by=lambda row: row[:2],
)


@given(tables)
def test_i19_the_reference_rate_is_the_last_text_published_by_the_months_end(table):
    end = date(2026, 9, 30)
    chosen = reference_rates(table, "EUR", "2026-09").published
    for currency in ("GBP", "JPY"):
        until = [(day, text) for day, of, text in table if of == currency and day <= end]
        if until:
            day, text = max(until)
            assert chosen[currency] == (day.isoformat(), text)
        else:
            assert currency not in chosen


@given(documents)
def test_i19_a_run_names_the_rates_it_consults_and_none_is_too_old(document):
    result = compute(document)

    assert set(document.rates) == set(result.rates_used)
    for rate in document.rates.values():
        day = date.fromisoformat(rate.date)
        assert timedelta(0) <= date(2026, 9, 30) - day <= MAX_AGE


@given(documents)
def test_i19_a_conversion_is_within_half_a_unit_of_the_published_rate(document):
    rates = document_rates(document)
    for row in compute(document).cleared:
        exact = row.amount * (rates.factor(row.currency, "EUR") if row.amount else 0)
        assert abs(row.cleared - exact) <= Fraction(1, 2)
        assert row.cleared == converted([("", row.currency, row.amount)], "EUR", rates)
