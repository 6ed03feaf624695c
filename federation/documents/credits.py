"""What the end of a licence before its term enters in the books. Pure."""

from collections.abc import Mapping
from datetime import date

from federation.ledger.accounts import Accounts, Entry, transfer
from federation.licensing.facts import LicenceFacts
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

Credited = Mapping[LicenceKey, Mapping[Month, int]]  # {licence key: {month: amount}}


def credit_entry(facts: LicenceFacts, credited: Credited, number: str, on: date) -> Entry:
    """Take what is not owed any more out of what was unearned, and off what the licensee owes.

    It goes through NotCollected, where money stands that will not come. No run will move the
    receivable of months that nobody allocates any more, so it is moved here.
    """
    books = Accounts(facts.licensor)
    lost, owed = books.asset("NotCollected"), books.asset("Receivable")
    postings = [
        posting
        for key, by_month in sorted(credited.items())
        for month, amount in sorted(by_month.items())
        for debit, credit in ((books.owed("Unearned"), lost), (lost, owed))
        for posting in transfer(
            debit,
            credit,
            amount,
            facts.currency,
            {"licence": key, "period": month, "number": number},
        )
    ]
    return Entry(
        on, f"credit/{facts.number}", f"Licence {facts.number} ended early", tuple(postings)
    )
