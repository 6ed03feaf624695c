"""Take back a bank file as a whole, as long as nothing of it is settled and nothing follows it.

Its entries leave the journal by reversal. The rows stay, without the numbers and identities that
count, and so does the file: it may be imported again.
"""

from dataclasses import dataclass
from typing import ClassVar

from federation.bankstatements import store
from federation.bankstatements.acting import At
from federation.bankstatements.names import booked_document, withdrawn_document
from federation.bankstatements.tables import WITHDRAWN, Entry, File, FileAct, StatementRow
from federation.errors import RefusalError
from federation.ledger.store import entry_of, post
from federation.payments.postings import reversal
from federation.store.canonical import digest
from federation.values.reason import stated


class UnknownFileError(RefusalError):
    """This bank file is not imported here, or was withdrawn."""

    code: ClassVar[str] = "UNKNOWN_FILE"


class WithdrawalBlockedError(RefusalError):
    """This bank file cannot be withdrawn."""

    code: ClassVar[str] = "WITHDRAWAL_BLOCKED"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was taken back: how many statements and entries of the file, pending ones too."""

    act: FileAct
    statements: int
    entries: int


async def withdraw(at: At, sha256: str, reason: str) -> Withdrawn:
    """Withdraw a file of statements or notifications by the SHA-256 of its bytes; say why."""
    file = await store.find_file(at.session, sha256)
    if file is None or not await store.is_imported(at.session, sha256):
        raise UnknownFileError(sha256[:64])
    why = stated(reason)
    statements = await store.statements_of_file(at.session, sha256)
    entries = await store.entries_of_statements(at.session, [row.id for row in statements])
    await _refuse_what_stands(at, file, statements, entries)
    act = FileAct(file=sha256, act=WITHDRAWN, reason=why, acted_by=at.who.subject, acted_at=at.now)
    at.session.add(act)
    await _reverse(at, entries, why)
    await store.detach_notices(at.session, [row.id for row in entries])
    await store.forget_notices(at.session, sha256)
    for entry in entries:
        entry.status, entry.state = "VOID", "NONE"
        entry.identity = digest([WITHDRAWN, entry.id])
    for row in statements:
        row.number = -row.id
    await at.session.flush()
    return Withdrawn(act, len(statements), len(entries))


async def _refuse_what_stands(
    at: At, file: File, statements: list[StatementRow], entries: list[Entry]
) -> None:
    """Refuse where payments, settled entries or later statements rest on what the file said."""
    if file.kind == "pain.002":
        raise WithdrawalBlockedError("a report on payments changed them")
    for row in statements:
        last = await store.last_statement(at.session, row.account_id)
        if last is not None and last.file != file.sha256:
            raise WithdrawalBlockedError(f"statement {last.bank_id!r} follows; withdraw it first")
    told = await store.entries_told_by(at.session, file.sha256)
    for entry in [*entries, *told]:
        if entry.state in {"PROPOSED", "SETTLED"}:
            raise WithdrawalBlockedError(f"entry {entry.id} is {entry.state}; undo that first")


async def _reverse(at: At, entries: list[Entry], reason: str) -> None:
    found = [
        reversal(
            await entry_of(at.session, booked_document(entry.account_id, entry.id)),
            document=withdrawn_document(entry.account_id, entry.id),
            narration=f"Bank entry {entry.id} withdrawn: {reason}",
            on=at.now.date(),
        )
        for entry in entries
        if entry.state == "OPEN"
    ]
    await post(at.session, found)
