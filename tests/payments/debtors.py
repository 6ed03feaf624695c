"""What is asked of servers when a debtor leaves the net."""

from tests.payments.month import (
    AFTER_DUE,
    CONFIRM,
    EXCLUDE,
)

OVERPAYMENTS = "{ overpayments { edges { node { id kind party left { minor currency } } } } }"


REFUND = """mutation($id: ID!) { refundOverpayment(id: $id) {
  ... on Payment { id state } ... on Refused { code message } } }"""


CANCEL = """mutation($id: ID!) { cancelPayment(id: $id, reason: "set off instead") {
  ... on Payment { id state } ... on Refused { code message } } }"""


AGAIN = """mutation($id: ID!) { proposePaymentAgain(id: $id) {
  ... on Payment { id state } ... on Refused { code message } } }"""


SET_OFF = """mutation($id: ID!, $kind: SetOffKind!, $ref: String!, $reason: String!) {
  setOffOverpayment(id: $id, kind: $kind, ref: $ref, reason: $reason) {
    ... on OverpaymentSetOff { id state } ... on Refused { code message } } }"""


AGREE = """mutation($id: ID!) { approveSetOff(id: $id) {
  ... on OverpaymentSetOff { id state decidedBy } ... on Refused { code message } } }"""


OPEN_ACCOUNT = """mutation { openBankAccount(
    account: "DE89370400440532013000", currency: "GBP", name: "Pounds") {
  ... on BankAccount { id } ... on Refused { code message } } }"""


TOO_MUCH = """mutation { settleWithItems(entry: "1", items: [
    { kind: OVERPAYMENT, ref: "PAY-2026-09-GB-HUB", amount: "5000" }]) {
  ... on BankMatch { id } ... on Refused { code message } } }"""


NEVER_PAID = "never paid, written to twice"


async def confirmed(small, node):
    small.set_clock(AFTER_DUE)
    await small.at("HUB", "settlement").ask(EXCLUDE, node=node, reason=NEVER_PAID)
    await small.at("HUB", "approver").ask(CONFIRM, node=node)
    await small.silence()
