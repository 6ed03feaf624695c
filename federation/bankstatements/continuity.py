"""How a statement follows what is known of its account: in which order, and what of it is new.

An entry is told from its like by balances: a statement that repeats known entries reaches a balance
that was there before, one that adds a movement (the same fee again) reaches another.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from federation.bankfiles.entries import BankEntry, Statement
from federation.bankstatements import store
from federation.bankstatements.checks import EntryTwiceError, Identity, numbered
from federation.bankstatements.tables import BankAccount, StatementRow
from federation.errors import RefusalError
from federation.money import decimal_text
from federation.store.sessions import ReadSession


class StatementGapError(RefusalError):
    """This statement does not follow the one before it; statements are imported in order."""

    code: ClassVar[str] = "STATEMENT_GAP"


@dataclass(frozen=True, slots=True)
class Named:
    """A statement of a known account, with the identities of its entries in their order."""

    account: BankAccount
    statement: Statement
    identities: Sequence[Identity]


def in_order(statements: Sequence[Named], balance: int | None) -> list[Named]:
    """Return statements of one account by their days, and those of one day by their balances.

    `balance` is what the account holds before them, in minor units; None is not known. The bank's
    own numbers begin again each year and are one for all pages: they count where nothing else does.
    """
    by_day: dict[tuple[date, date], list[Named]] = defaultdict(list)
    for each in sorted(statements, key=_numbers):
        by_day[_days(each.statement)].append(each)
    found: list[Named] = []
    for days in sorted(by_day):
        for each in _chained(by_day[days], balance):
            found.append(each)
            balance = each.statement.closing
    return found


def _numbers(named: Named) -> tuple[int, int, int]:
    statement = named.statement
    return statement.sequence or 0, statement.page or 0, statement.place.statement


def _days(statement: Statement) -> tuple[date, date]:
    end = statement.to_on or statement.from_on or date.min
    return end, statement.from_on or end


def _chained(statements: Sequence[Named], balance: int | None) -> Iterable[Named]:
    """Yield each statement after the one that closes with its opening balance, where one does."""
    closings = {each.statement.closing for each in statements}
    heads = [each for each in statements if each.statement.opening not in closings]
    by_opening: dict[int | None, deque[Named]] = defaultdict(deque)
    for each in statements:
        by_opening[each.statement.opening].append(each)
    waiting = deque([*heads, *statements])
    taken: set[int] = set()
    while len(taken) < len(statements):
        following = by_opening[balance]
        while following and following[0].statement.place.statement in taken:
            following.popleft()
        each = following.popleft() if following else waiting.popleft()
        if each.statement.place.statement not in taken:
            taken.add(each.statement.place.statement)
            balance = each.statement.closing
            yield each


async def what_is_new(
    session: ReadSession, named: Named, last: StatementRow | None, file: str
) -> list[tuple[str, BankEntry]]:
    """Return (identity, entry) of each entry that is not known; refuse a statement with a gap.

    What is known and what is new must lead from the balance of the last statement to this one's
    closing. A statement that brings nothing new must have balances that the account had.
    `file` is the SHA-256 of the file it is in: two statements of one file are never the same.
    """
    known = await _known_alike(session, named.account.id, {each.name for each in named.identities})
    pairs = list(zip(named.identities, named.statement.entries, strict=True))
    fresh = [(name.text, entry) for name, entry in pairs if name.number > len(known[name.name])]
    if last is None:
        return fresh
    statement = named.statement
    again = [
        (numbered(name.name, name.number + len(known[name.name])), entry)
        for name, entry in pairs
        if entry.is_booked or name.number > len(known[name.name])
    ]
    twice = [
        entry
        for name, entry in pairs
        if entry.is_booked and known[name.name] and name.names_one and entry.number is None
    ]
    follows = statement.opening == last.closing
    if follows and last.file == file and not twice:
        return again
    booked = sum(entry.signed for _, entry in fresh if entry.is_booked)
    if last.closing + booked == statement.closing:
        return fresh
    if not fresh and not _is_later(statement, last):
        identities = [identity for name in known for identity in known[name]]
        if await _had(session, named, identities):
            return []
    if follows and not twice:
        return again
    if follows:
        raise EntryTwiceError(f"{twice[0].place}: {twice[0].reference or 'no reference'}")
    raise _gap(named, last)


def _is_later(statement: Statement, last: StatementRow) -> bool:
    return last.to_on is not None and statement.to_on is not None and statement.to_on > last.to_on


def _gap(named: Named, last: StatementRow) -> StatementGapError:
    statement, currency = named.statement, named.account.currency
    opening = decimal_text(statement.opening or 0, currency)
    return StatementGapError(
        f"{statement.place}: opens with {opening}, statement {last.bank_id!r} closed with "
        f"{decimal_text(last.closing, currency)} {currency}"
    )


async def _known_alike(
    session: ReadSession, account_id: int, names: Collection[str]
) -> dict[str, list[str]]:
    """Return {name: the known identities of entries that look alike}, for every name."""
    found: dict[str, list[str]] = {name: [] for name in names}
    waiting: list[str] = sorted(names)
    number = 1
    while waiting:
        asked = {numbered(name, number): name for name in waiting}
        known = await store.known_identities(session, account_id, list(asked))
        for identity in known:
            found[asked[identity]].append(identity)
        waiting = sorted(asked[identity] for identity in known)
        number += 1
    return found


async def _had(session: ReadSession, named: Named, identities: Sequence[str]) -> bool:
    """Say whether the account held a statement's balances before and after its known entries.

    Banks order the entries of one day differently from file to file, so both the order in which
    they came and that of their days are looked at.
    """
    account, statement = named.account, named.statement
    if identities:
        rows = await store.statements_with(session, account.id, identities)
    else:
        rows = await store.statements_of_days(
            session, account.id, statement.from_on, statement.to_on, statement.opening
        )
    balances: set[int] = set()
    for row in rows:
        moves = await store.moves_of(session, row.id)
        for ordered in (moves, sorted(moves, key=lambda move: move[0] or date.min)):
            balance = row.opening
            balances.add(balance)
            for _, signed in ordered:
                balance += signed
                balances.add(balance)
    return statement.opening in balances and statement.closing in balances
