"""What changed between two runs of a month, and why. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from federation.settlement.run import LicenceResult, RunResult, compute
from federation.settlement.run_document import LicenceInRun, RunDocument
from federation.values.licence_key import LicenceKey
from federation.wording import counted

AMOUNTS: Final = ("received", "brought_forward", "recognised_before")  # of a licence's inputs


@dataclass(frozen=True, slots=True)
class Difference:
    """A party's share in a licence key before and after, in minor units of `currency`."""

    licence: LicenceKey | None
    party: str
    old: int
    new: int
    currency: str

    @property
    def difference(self) -> int:
        """Return new - old."""
        return self.new - self.old


@dataclass(frozen=True, slots=True)
class Cause:
    """An input that is not what it was: which kind, whose, and both values as text.

    Where they are amounts, in minor units, `currency` says of which.
    """

    kind: str
    name: str
    old: str
    new: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Shares that differ, nets that differ (clearing currency), and the inputs that do."""

    shares: tuple[Difference, ...]
    nets: tuple[Difference, ...]
    causes: tuple[Cause, ...]


def compare(old: RunDocument | None, new: RunDocument) -> RunDiff:
    """Compare two runs; without an old one everything is new and nothing is the cause."""
    after = compute(new)
    before = compute(old) if old is not None else None
    clearing = new.hub.clearing_currency
    return RunDiff(
        shares=tuple(_shares(before, after)),
        nets=tuple(_nets(before, after, clearing)),
        causes=tuple(_causes(old, new)) if old is not None else (),
    )


def _shares(before: RunResult | None, after: RunResult) -> Iterator[Difference]:
    earlier: dict[LicenceKey, LicenceResult] = before.licences if before else {}
    for key in sorted({*earlier, *after.licences}):
        was = earlier[key].shares if key in earlier else {}
        now = after.licences[key].shares if key in after.licences else {}
        currency = (after.licences.get(key) or earlier[key]).currency
        for party in sorted({*was, *now}):
            row = Difference(key, party, was.get(party, 0), now.get(party, 0), currency)
            if row.difference:
                yield row


def _nets(before: RunResult | None, after: RunResult, currency: str) -> Iterator[Difference]:
    for party, position in after.positions.items():
        was = before.positions.get(party) if before else None
        row = Difference(None, party, was.net if was else 0, position.net, currency)
        if row.difference:
            yield row


def _causes(old: RunDocument, new: RunDocument) -> Iterator[Cause]:
    yield from _changed("usage", _usage(old), _usage(new))  # what a report's digest does not say
    yield from _changed("usage report", old.reports, new.reports)
    rates = [
        {name: f"{rate.rate} of {rate.date}" for name, rate in document.rates.items()}
        for document in (old, new)
    ]
    yield from _changed("rate", *rates)
    for name in (*AMOUNTS, "weights_from"):
        found = _changed(name.replace("_", " "), _per_licence(old, name), _per_licence(new, name))
        if name in AMOUNTS:
            currencies = _currencies(old, name) | _currencies(new, name)
            found = (replace(one, currency=currencies[one.name]) for one in found)
        yield from found
    yield from _changed("licence", _terms(old), _terms(new))
    yield from _changed("collective", _texts(old.collectives), _texts(new.collectives))
    yield from _changed("terms", {"hub": str(old.hub)}, {"hub": str(new.hub)})
    yield from _changed("terms", {"weights": str(old.weights)}, {"weights": str(new.weights)})


def _changed(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Cause]:
    for name in sorted({*old, *new}):
        was, now = old.get(name, ""), new.get(name, "")
        if was != now:
            yield Cause(kind, name, was, now)


def _usage(document: RunDocument) -> dict[str, str]:
    return {
        name: f"{counted(lines, 'line')}, {counted(int(units), 'unit')}"
        for name, (lines, units) in document.classes.items()
    }


def _per_licence(document: RunDocument, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, terms in document.licences.items():
        found |= _by_name(number, terms, name)
    return found


def _by_name(number: str, terms: LicenceInRun, name: str) -> dict[str, str]:
    """Return an input of a licence by what it is of: the licence itself, or each component."""
    value: str | dict[str, str] = getattr(terms, name)
    return value if isinstance(value, dict) else {number: value}


def _currencies(document: RunDocument, name: str) -> dict[str, str]:
    """Return the currency of each of the amounts `name`, by what they are of."""
    found: dict[str, str] = {}
    for number, terms in document.licences.items():
        found |= dict.fromkeys(_by_name(number, terms, name), terms.currency)
    return found


def _terms(document: RunDocument) -> dict[str, str]:
    return {number: _fixed(terms) for number, terms in document.licences.items()}


def _fixed(terms: LicenceInRun) -> str:
    return f"{terms.licensor} {terms.currency} {terms.starts_on}..{terms.ends_on} " + "; ".join(
        f"{c.id} {c.fee}" for c in terms.components
    )


def _texts(things: Mapping[str, object]) -> dict[str, str]:
    return {name: str(thing) for name, thing in things.items()}
