"""How payments, payees and the journal's entries about them are named.

A payment's id is its EndToEndId, of 35 characters at most (ISO 20022):

- `PAY-2026-09-HUB-GB`: a remittance, with the same id at both servers; `PAY-2026-09-HUB-GB+L2` is
  the one that two debtors brought about by leaving the month's net
- `PAY-2026-09-GB-000001`: what a node pays a member
- `ADJ-2026-09-1f2e3d4c-GB`: what a correction moves, by its run; between two nodes with both codes
- `ADJ-2026-09-HC-GB-000001`: held money released by the hub, by the claim on it; by a licensor
  with its code and the licence's currency, `ADJ-2026-09-HC-GB-000001-DE-EUR`
- `REFUND-CN-HUB-000001`: what a lab gets back, by the credit note
- `REFUND-OP-12-1`, `REFUND-2026-09-GB-HUB`: an overpayment, by the item of a bank entry that names
  it, or by the remittance of a debtor that had left the net

Parties have codes of up to 12 characters: what is too long ends with a digest of the whole instead,
so that no two payments have one id.

What takes the place of a payment that was cancelled, rejected or returned has its id and `/2`, then
`/3` and so on.
"""

from federation.store.canonical import sha256_hex
from federation.values.month import Month, parse_month

REPLACED_LENGTH_MAX = 33  # of 35 that a bank takes: another may take its place, room for `/2`
DIGEST_LENGTH = 8
LEFT_NET = "excluded/"  # how the entries by which a debtor leaves a net begin
OVERPAID = "overpayment/"  # how is named what became of an overpayment
PASSED_ON = "succession/"  # how is named what became of a payment when others took a payee's place
ITEM_OVERPAID = "OP-"  # how the overpayments begin that an item of a bank entry names
_MEMBER, _LAB = "member:", "lab:"
_REMITTANCE, _ADJUSTMENT = "PAY-", "ADJ-"
_LEFT = "+L"  # no code has a plus; banks take it
_UNDONE = "/undone"


def member_payee(member_id: str) -> str:
    """Return the payee that a member is, at its own node."""
    return f"{_MEMBER}{member_id}"


def member_of(payee: str) -> str:
    """Return the member's id of the payee of a payment of kind MEMBER."""
    return payee.removeprefix(_MEMBER)


def is_member(payee: str) -> bool:
    """Tell whether a payee is a member."""
    return payee.startswith(_MEMBER)


def lab_payee(licensee: str) -> str:
    """Return the payee that a lab is."""
    return f"{_LAB}{licensee}"


def lab_of(payee: str) -> str | None:
    """Return the lab's id of a payee, None where it is no lab."""
    return payee.removeprefix(_LAB) if payee.startswith(_LAB) else None


def remittance_id(period: Month, payer: str, payee: str, *, left: int = 0) -> str:
    """Return the id of a remittance between two parties.

    One between the hub and a node that came about when a debtor left the month's net says how
    many had `left` by then: both servers know that, and not what the other's bank rejected.
    """
    since = f"{_LEFT}{left}" if left else ""
    return _within(f"{_REMITTANCE}{period}-{payer}-{payee}{since}")


def member_payment_id(period: Month, node: str, number: int) -> str:
    """Return the id of a node's n-th payment to members for a month."""
    return f"{_REMITTANCE}{period}-{node}-{number:06d}"


def member_payment_number(payment_id: str) -> int:
    """Return which of a node's payments to members for a month it is, or takes the place of."""
    return int(base_id(payment_id)[-6:])


def correction_id(period: Month, run_id: str, *nodes: str) -> str:
    """Return the id of what a correction moves: for a node, or between a debtor and a creditor."""
    whole = "-".join((f"{_ADJUSTMENT}{period}", run_id[:8], *nodes))
    return _within(whole)


def _within(name: str) -> str:
    """Return a name as it is if it is not too long, else its beginning and a digest of it."""
    if len(name) <= REPLACED_LENGTH_MAX:
        return name
    end = f"-{sha256_hex(name.encode())[:DIGEST_LENGTH]}"
    return f"{name[: REPLACED_LENGTH_MAX - len(end)]}{end}"


def release_id(period: Month, claim: str) -> str:
    """Return the id of what is paid for a claim on money that was held of a month."""
    return _within(f"{_ADJUSTMENT}{period}-{claim}")


def direct_release_id(period: Month, claim: str, licensor: str, currency: str) -> str:
    """Return the id of what a licensor pays for a claim on what it held of a month."""
    return _within(f"{_ADJUSTMENT}{period}-{claim}-{licensor}-{currency}")


def released_by(payment_id: str) -> tuple[Month, str]:
    """Return the month and the claim of a release; of a correction the latter names no claim.

    It is only the beginning of a claim whose id is too long for the whole.
    """
    _, year, month, claim = base_id(payment_id).split("-", 3)
    return parse_month(f"{year}-{month}"), claim


def is_adjustment(payment_id: str) -> bool:
    """Tell whether an id is that of a correction or release."""
    return payment_id.startswith(_ADJUSTMENT)


def refund_id(source: str) -> str:
    """Return the id of what goes back: by a credit note, or of an overpayment."""
    return _within(f"REFUND-{source}")


def overpayment_id(incoming_id: str) -> str:
    """Return under which id is kept what came for a remittance that was not owed any more."""
    return incoming_id.removeprefix(_REMITTANCE).removeprefix(_ADJUSTMENT).replace("/", ".")


def overpaid_by(overpayment: str) -> tuple[str, ...]:
    """Return the ids that the remittance may have which was overpaid under an id."""
    return tuple(f"{kind}{overpayment.replace('.', '/')}" for kind in (_REMITTANCE, _ADJUSTMENT))


def in_place_of(base: str, number: int) -> str:
    """Return the id of the n-th of the payments that replaced one another; the first has `base`."""
    return base if number == 1 else f"{base}/{number}"


def base_id(payment_id: str) -> str:
    """Return the id of the first of the payments that replaced one another."""
    head, slash, tail = payment_id.rpartition("/")
    return head if slash and tail.isdigit() else payment_id


def payment_document(payment_id: str, step: str) -> str:
    """Return the name of the entry that records a step of a payment."""
    return f"payment/{payment_id}/{step}"


def bank_document(payment_id: str, step: str, times: int | str) -> str:
    """Return the name of the entry that records the bank's word for the n-th time."""
    return payment_document(payment_id, f"{step.lower()}/{times}")


def remittance_document(incoming_id: str, times: int | str) -> str:
    """Return the name of the entry that records what came in for a remittance, the n-th time."""
    return f"remittance/{incoming_id}/received/{times}"


def conversion_document(deal: str, side: str, times: int | str) -> str:
    """Return the name of the entry that records a leg of a deal in currency, the n-th time."""
    return f"conversion/{deal}/{side.lower()}/{times}"


def undone_document(document: str) -> str:
    """Return the name of the entry that takes back one of a bank's word."""
    return f"{document}{_UNDONE}"


def is_undone(document: str) -> bool:
    """Tell whether an entry takes another one back."""
    return document.endswith(_UNDONE)


def left_net_document(period: Month, debtor: str) -> str:
    """Return the name of the entry by which a debtor leaves a month's net."""
    return f"{LEFT_NET}{period}/{debtor}"
