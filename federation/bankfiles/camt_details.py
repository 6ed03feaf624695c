"""The transactions behind a bank entry: parties, references, texts, charges. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from federation.bankfiles.entries import Detail, Direction, Instructed, Place
from federation.bankfiles.references import (
    free_text,
    further_references,
    further_text,
    movement_ids,
    reference,
    transaction_references,
)
from federation.bankfiles.xml import Element, amount, bad, children, find, first_text, text
from federation.errors import RefusalError

DIRECTIONS: dict[str | None, Direction] = {"CRDT": "CREDIT", "DBIT": "DEBIT"}


@dataclass(frozen=True, slots=True)
class _Booked:
    """What an entry says of each of its transactions; `whole` is its amount if it has only one."""

    place: Place
    whole: int | None
    currency: str
    direction: Direction


def direction_of(element: Element, place: Place) -> Direction:
    """Return CREDIT or DEBIT as `CdtDbtInd` says; an element without it is refused."""
    direction = DIRECTIONS.get(text(element, "CdtDbtInd"))
    if direction is None:
        raise bad(place, "neither CRDT nor DBIT")
    return direction


def read_details(
    transactions: list[Element], place: Place, minor: int, currency: str, direction: Direction
) -> tuple[tuple[Detail, ...], tuple[str, ...]]:
    """Return the transactions of an entry that state an amount, and the ids of all others.

    The schema lets each of several transactions leave out its amount, or state 0. Such a one
    cannot be settled by itself; its ids still say what the entry is about.
    """
    booked = _Booked(place, minor if len(transactions) == 1 else None, currency, direction)
    details: list[Detail] = []
    ids: list[str | None] = []
    for element in transactions:
        found = _amount(element, booked)
        if found is None:
            refs = find(element, "Refs")
            ids += [reference(text(refs, "EndToEndId")), *transaction_references(element, refs)]
        else:
            details.append(_detail(element, booked, *found))
    return tuple(details), tuple(dict.fromkeys(each for each in ids if each))


def _amount(element: Element, booked: _Booked) -> tuple[int, str] | None:
    """Return (minor units, currency); the only transaction may leave its amount to the entry."""
    stated = find(element, "Amt")
    if stated is None:
        stated = find(element, "AmtDtls", "TxAmt", "Amt")
    found = None
    if stated is not None and stated.get("Ccy") == booked.currency:
        found = amount(stated, booked.place)
    elif stated is not None and booked.whole is None:
        found = _told(stated, booked.place)
    if found is not None and found[0]:
        return found
    return (booked.whole, booked.currency) if booked.whole else None


def _detail(element: Element, booked: _Booked, minor: int, currency: str) -> Detail:
    direction = booked.direction
    if find(element, "CdtDbtInd") is not None:
        direction = direction_of(element, booked.place)
    refs, parties = find(element, "Refs"), find(element, "RltdPties")
    names = list(dict.fromkeys(_names(parties, direction)))
    side = "Dbtr" if direction == "CREDIT" else "Cdtr"
    return Detail(
        amount=minor,
        currency=currency,
        direction=direction,
        end_to_end_id=reference(text(refs, "EndToEndId")),
        bank_reference=reference(text(refs, "AcctSvcrRef")),
        references=transaction_references(element, refs),
        counterparty_name=names[0] if names else None,
        counterparty_account=account_number(find(parties, f"{side}Acct")),
        remittance=free_text(element),
        instructed=instructed(element, currency, booked.place),
        charges=charges(element, currency, booked.place),
        return_reason=first_text(
            find(element, "RtrInf"), ("Rsn", "Cd"), ("Rsn", "Prtry"), ("AddtlInf",)
        ),
        other_names=tuple(names[1:]),
        further_references=further_references(element, refs),
        further_text=further_text(element),
        movement_ids=movement_ids(refs),
    )


def _names(parties: Element | None, direction: Direction) -> Iterator[str]:
    """Yield the names of the other side: who paid us or whom we paid, then on whose behalf.

    A payment agent or a head office pays for somebody else, who is named as the ultimate party
    or as the initiating one.
    """
    if parties is None:
        return
    side = "Dbtr" if direction == "CREDIT" else "Cdtr"
    for party in (side, f"Ultmt{side}", *(["InitgPty"] if direction == "CREDIT" else [])):
        name = first_text(
            parties, (party, "Pty", "Nm"), (party, "Nm"), (party, "Agt", "FinInstnId", "Nm")
        )
        if reference(name) and name:
            yield name
    holder = text(parties, f"{side}Acct", "Nm")
    if reference(holder) and holder:
        yield holder


def account_number(element: Element | None) -> str | None:
    """Return an account's IBAN or other number without spaces."""
    found = first_text(element, ("Id", "IBAN"), ("Id", "Othr", "Id"))
    return found.replace(" ", "") if found else None


def instructed(element: Element, currency: str, place: Place) -> Instructed | None:
    """Return the ordered amount where it is in another currency than what was booked."""
    for name in ("InstdAmt", "TxAmt"):
        stated = find(element, "AmtDtls", name, "Amt")
        if stated is not None and stated.get("Ccy") != currency:
            found = _told(stated, place)
            return Instructed(*found) if found else None
    return None


def _told(element: Element, place: Place) -> tuple[int, str] | None:
    """Return an amount on which no sum depends; None where its currency or decimals are unknown."""
    try:
        return amount(element, place)
    except RefusalError:
        return None


def charges(element: Element, currency: str, place: Place) -> int:
    """Return the charges in the booked currency: a stated total, else the sum of the records."""
    total = 0
    for group in children(element, "Chrgs"):
        stated = find(group, "TtlChrgsAndTaxAmt")
        if stated is not None and stated.get("Ccy") == currency:
            total += amount(stated, place)[0]
            continue
        records: list[Element] = list(children(group, "Rcrd")) or [group]
        for record in records:
            each = find(record, "Amt")
            if each is not None and each.get("Ccy") == currency:
                sign = -1 if text(record, "CdtDbtInd") == "CRDT" else 1
                total += sign * amount(each, place)[0]
    return max(total, 0)
