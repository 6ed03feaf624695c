"""Until when held money has to be distributed, listed, made public, or decided about. Pure.

The clocks are data per country (`laws.toml`), each with its source and the day it came into force;
the default is that of Directive 2014/26/EU (SETTLEMENT §4.5).
"""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

import msgspec

DEFAULT = "default"


class Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clocks of one country from a day on; months from the end of the financial year."""

    country: str
    valid_from: date
    year_ends: str  # MM-DD
    distribute_months: int
    list_months: int
    public_months: int
    non_distributable_months: int
    pay_on_months: int
    source: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """The dates by which held money is distributed, listed, made public; then decided about.

    `non_distributable_on` is the first day on which those who may decide about money without an
    owner can do so; until then nobody shares it.
    """

    distribute_by: date
    list_by: date
    public_by: date
    non_distributable_on: date


@cache
def laws() -> tuple[Law, ...]:
    """Return every law shipped with the package, newest first."""
    text = files("federation.suspense").joinpath("laws.toml").read_text("utf-8")
    found = msgspec.convert(tomllib.loads(text)["law"], list[Law])
    return tuple(sorted(found, key=lambda law: law.valid_from, reverse=True))


def law_for(country: str | None, on: date) -> Law:
    """Return the law in force in a country on a day; the default where there is no entry."""
    for wanted in (country, DEFAULT):
        for law in laws():
            if law.country == wanted and law.valid_from <= on:
                return law
    return [law for law in laws() if law.country == DEFAULT][-1]


def clocks(law: Law, received_on: date) -> Clocks:
    """Return the clocks of money collected on a day."""
    end = year_end(law, received_on)
    listed = law.distribute_months + law.list_months
    return Clocks(
        distribute_by=months_after(end, law.distribute_months),
        list_by=months_after(end, listed),
        public_by=months_after(end, listed + law.public_months),
        non_distributable_on=months_after(end, law.non_distributable_months) + timedelta(days=1),
    )


def pay_by(law: Law, received_on: date) -> date:
    """Return by when a collective pays its members what another one sent."""
    return months_after(received_on, law.pay_on_months)


def year_end(law: Law, day: date) -> date:
    """Return the end of the financial year a day lies in."""
    month, last = (int(part) for part in law.year_ends.split("-"))
    end = _clamped(day.year, month, last)
    return end if day <= end else _clamped(day.year + 1, month, last)


def months_after(day: date, months: int) -> date:
    """Return the same day some months later; the last day of a month stays a last day."""
    number = day.year * 12 + day.month - 1 + months
    is_last = (day + timedelta(days=1)).month != day.month
    return _clamped(number // 12, number % 12 + 1, 31 if is_last else day.day)


def _clamped(year: int, month: int, day: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day, (following - timedelta(days=1)).day))
