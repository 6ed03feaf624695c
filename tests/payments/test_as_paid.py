"""What is taken as paid and given back: the node pays what it owes, whatever comes first."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.payments.as_paid import (
    AT_BANK,
    BOOKED,
    LIVE,
    REPLACED,
    UNPAID,
    WITH_THE_BANK,
    Order,
    room,
    shifted,
)

WHOLE = 10
ACTS = ("set_off", "undone", "export", "book", "reject", "cancel")
acts = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, WHOLE)), max_size=12)


class Remittance:
    """The payments of a node that owes the whole; `taken` of it is taken as paid."""

    def __init__(self):
        self.orders = [Order("1", WHOLE, 0, LIVE)]
        self.taken = 0

    def told(self, minor):
        shift = shifted(self.orders, minor)
        for place, row in enumerate(self.orders):
            taken = row.taken + shift.changes.get(row.payment_id, 0)
            standing = REPLACED if row.payment_id in shift.instead else row.standing
            self.orders[place] = replace(row, taken=taken, standing=standing)
        self.taken += minor
        self.pay(shift.proposed)

    def pay(self, amount):
        if amount:
            self.orders.append(Order(str(len(self.orders) + 1), amount, 0, LIVE))

    def becomes(self, before, after):
        """Let the newest order of some standing have another one."""
        for place in reversed(range(len(self.orders))):
            if self.orders[place].standing in before:
                self.orders[place] = replace(self.orders[place], standing=after)
                return

    def again(self):
        """Propose once more what is unpaid, less what others pay although it was taken."""
        for place, row in enumerate(self.orders):
            if row.standing == UNPAID:
                some = [each for each in self.orders if each.standing in WITH_THE_BANK]
                shift = shifted([*some, row], 0)
                for other, each in enumerate(self.orders):
                    taken = each.taken + shift.changes.get(each.payment_id, 0)
                    self.orders[other] = replace(each, taken=taken)
                left = self.orders[place].amount - self.orders[place].taken
                self.orders[place] = replace(self.orders[place], standing=REPLACED)
                self.pay(left)

    def paid(self, *standings):
        return sum(row.amount for row in self.orders if row.standing in standings)


@settings(max_examples=400)
@given(acts)
def test_in_the_end_is_paid_what_is_owed_or_what_the_bank_had_already(acts):
    node = Remittance()
    for act, minor in acts:
        if act == "set_off":
            node.told(min(minor, WHOLE - node.taken))
        elif act == "undone":
            node.told(-min(minor, node.taken))
        elif act == "export":
            node.becomes({LIVE}, AT_BANK)
        elif act == "book":
            node.becomes({AT_BANK}, BOOKED)
        elif act == "reject":
            node.becomes({AT_BANK}, UNPAID)
        else:
            node.becomes({LIVE}, UNPAID)
        owed = WHOLE - node.taken
        assert sum(row.taken for row in node.orders) == node.taken
        assert all(0 <= row.taken <= row.amount for row in node.orders)
        assert room(node.orders) == owed
    had = node.paid(*WITH_THE_BANK)

    node.again()

    assert node.paid(LIVE, *WITH_THE_BANK) == max(WHOLE - node.taken, had)


@pytest.mark.parametrize("minor", [8, -4])
def test_no_more_is_taken_than_is_owed_nor_given_back_than_was_taken(minor):
    orders = [Order("1", 10, 3, REPLACED), Order("1/2", 7, 0, LIVE)]

    with pytest.raises(ValueError, match=f"{minor} of 7 and 3"):
        shifted(orders, minor)
