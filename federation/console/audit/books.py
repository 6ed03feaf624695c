"""The journal, what it adds up to at an instant, and what moved an account."""

from collections.abc import Mapping
from typing import Any, Final

from federation.console import words
from federation.console.page import N_, ROWS, Asked, Document, Page
from federation.values.roles import MAY_READ_BOOKS

_DAY_LENGTH: Final = len("2026-09-20")
FORMS: Final = ("beancount", "hledger")  # in which `/files/journal.<form>` comes


def as_recorded(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask as of the day or instant that the address names; a day stands for its end, in UTC."""
    said = {name: text for name, text in asked.said.items() if text}
    if len(said.get("asOf", "")) == _DAY_LENGTH:
        said["asOf"] += "T23:59:59.999999Z"
    return page.document.filled({"first": str(ROWS), **said})


JOURNAL_PAGE = Page(
    path="/audit/journal",
    title=N_("Journal"),
    group=words.AUDIT,
    shown_to=MAY_READ_BOOKS.roles,
    template="audit/journal.html",
    document=Document("audit/journal.graphql"),
    view=lambda data, _: {"found": data["journal"], "forms": FORMS},
)
BALANCE_PAGE = Page(
    path="/audit/balance",
    title=N_("Trial balance"),
    group=words.AUDIT,
    shown_to=MAY_READ_BOOKS.roles,
    template="audit/balance.html",
    document=Document("audit/balance.graphql"),
    variables=as_recorded,
    view=lambda data, _: {"balance": data.get("trialBalance")},
    is_a_question=True,
)
ACCOUNT_PAGE = Page(
    path="/audit/account",
    title=N_("Account"),
    template="audit/account.html",
    document=Document("audit/account.graphql"),
    variables=as_recorded,
    view=lambda data, _: {"found": data.get("accountHistory")},
    is_a_question=True,
)
