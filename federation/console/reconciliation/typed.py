"""What people typed or chose at the bank desk, as the variables of a mutation."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, NamedTuple

from federation.console.page import Asked, Said
from federation.errors import RefusalError
from federation.money import exponent

ROWS: Final = 4  # of items that are typed, on a form
ENTRY, ITEM = "entry.", "item."
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,18})(?:[.,]([0-9]+))?")
_COMMA_DIGITS_MAX = 2  # with three decimals, 1,234 may be read two ways
_SIGNED = re.compile(r"(-?[0-9]{1,20}) ([A-Z]{3})")


class BadTypedError(RefusalError):
    """What was chosen or typed does not say what an entry is for."""

    code: ClassVar[str] = "BAD_SELECTION"


class BadTypedAmountError(RefusalError):
    """An amount is written 10.00 or -10.00, with no more decimals than its currency has."""

    code: ClassVar[str] = "NO_AMOUNT"


class Signed(NamedTuple):
    """Signed minor units of a currency, as a checkbox carries them: `-450 EUR`."""

    minor: int
    currency: str


def minor_of(written: str, currency: str) -> int:
    """Return minor units of a decimal amount, `-10.00` EUR as -1000; never rounded (NO_AMOUNT)."""
    text, digits = written.strip().replace("\u2212", "-"), exponent(currency)
    found = _AMOUNT.fullmatch(text)
    is_clear = "," not in text or digits <= _COMMA_DIGITS_MAX
    if found is None or len(found[3] or "") > digits or not is_clear:
        raise BadTypedAmountError(f"{written[:40]!r} in {currency}, which has {digits}")
    minor = int(found[2] + (found[3] or "").ljust(digits, "0"))
    return -minor if found[1] == "-" else minor


def signed_of(text: str) -> Signed:
    """Return what a checkbox carries (BAD_SELECTION)."""
    found = _SIGNED.fullmatch(text)
    if found is None:
        raise BadTypedError(f"{text[:40]!r}")
    return Signed(int(found[1]), found[2])


def chosen(form: Said, prefix: str) -> dict[str, Signed]:
    """Return what was chosen among some checkboxes, by what stands behind their prefix."""
    return {
        name.removeprefix(prefix): signed_of(text)
        for name, text in form.items()
        if name.startswith(prefix)
    }


def selection(form: Said, asked: Asked) -> Mapping[str, Any]:
    """Return the entries and items that were chosen and typed, for `confirmMatch`."""
    del asked
    entries = chosen(form, ENTRY)
    if not entries:
        raise BadTypedError("no entry of the bank is chosen")
    total, currency = _sum(entries)
    items: list[dict[str, Any]] = []
    for name, signed in chosen(form, ITEM).items():
        kind, _, ref = name.partition(".")
        # What is expected in another currency has the bank's own amount.
        amount = signed.minor if signed.currency == currency else None
        items.append({"kind": kind, "ref": ref, "amount": amount, "note": ""})
    return {"entries": list(entries), "items": _whole([*items, *_typed(form, currency)], total)}


def items_of_one(form: Said, asked: Asked) -> Mapping[str, Any]:
    """Return what one entry was for as it was typed, for `settleWithItems`."""
    total, currency = signed_of(form.get("signed", ""))
    items = _whole(list(_typed(form, currency)), total)
    return {"entry": asked.params["entry"], "items": items, "reason": form.get("reason", "")}


def suggested(form: Said, asked: Asked) -> Mapping[str, Any]:
    """Return a suggestion as its form carries it: its entries, and its items as they are."""
    del asked
    items = [
        {name: form.get(f"{name}.{number}", "") for name in ("kind", "ref", "amount", "note")}
        for number in range(sum(name.startswith("kind.") for name in form))
    ]
    entries = [name.removeprefix(ENTRY) for name in form if name.startswith(ENTRY)]
    return {"entries": entries, "items": items}


def sums(form: Said) -> list[dict[str, Any]]:
    """Return by currency what is chosen on both sides, and the difference; nothing is refused."""
    found: dict[str, list[int]] = {}
    for side, prefix in enumerate((ENTRY, ITEM)):
        for name, text in form.items():
            known = _SIGNED.fullmatch(text) if name.startswith(prefix) else None
            if known is not None:
                found.setdefault(known[2], [0, 0])[side] += int(known[1])
    for number in range(ROWS):
        for currency in list(found)[:1]:
            try:
                found[currency][1] += minor_of(form.get(f"amount.{number}") or "0", currency)
            except RefusalError:
                continue
    return [
        {"currency": currency, "entries": entries, "items": items, "left": entries - items}
        for currency, (entries, items) in sorted(found.items())
    ]


def _sum(entries: Mapping[str, Signed]) -> Signed:
    currencies = {signed.currency for signed in entries.values()}
    if len(currencies) > 1:
        raise BadTypedError(f"entries in {' and '.join(sorted(currencies))} are not one sum")
    return Signed(sum(signed.minor for signed in entries.values()), currencies.pop())


def _typed(form: Said, currency: str) -> Iterator[dict[str, Any]]:
    for number in range(ROWS):
        kind, amount = form.get(f"kind.{number}", ""), form.get(f"amount.{number}", "").strip()
        if not kind and amount:
            raise BadTypedError(f"{amount[:40]} has no kind")
        if kind:
            yield {
                "kind": kind,
                "ref": form.get(f"ref.{number}", "").strip(),
                "amount": minor_of(amount, currency) if amount else None,
                "note": form.get(f"note.{number}", ""),
            }


def _whole(items: list[dict[str, Any]], total: int) -> list[dict[str, Any]]:
    """Give the one item without an amount what is left of the total; amounts become text."""
    without = [item for item in items if item["amount"] is None]
    if len(without) > 1:
        raise BadTypedError(f"{len(without)} items leave out their amount")
    for item in without:
        item["amount"] = total - sum(each["amount"] or 0 for each in items)
    return [{**item, "amount": str(item["amount"])} for item in items]
