"""The accounts of this server, what became of all that the bank said, and the files it said it in.

A file goes to `POST /banking/files`, the door of every program, by the small script of the page:
its bytes are what the server keeps, and they may be more than a form holds.
"""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page
from federation.console.reconciliation import named
from federation.values.roles import MAY_PREPARE, MAY_READ_BOOKS


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show each account as a whole, and the statements."""
    return {
        "ITEMS": named.ITEMS,
        "reports": data["reconciliationReport"],
        "found": data["bankStatements"],
        "may_act": asked.may(MAY_PREPARE),
    }


FILES_PAGE = Page(
    path="/reconciliation/files",
    title=N_("Accounts and files"),
    group=words.RECONCILIATION,
    shown_to=MAY_READ_BOOKS.roles,
    template="reconciliation/files.html",
    document=Document("reconciliation/files.graphql"),
    view=view,
    acts=(
        Act(
            name="open-account",
            document=Document("reconciliation/open_account.graphql"),
            done=N_("The account is registered: statements of it are taken from now on."),
        ),
        Act(
            name="withdraw-account",
            document=Document("reconciliation/withdraw_account.graphql"),
            done=N_("The account is taken back."),
        ),
        Act(
            name="withdraw-file",
            document=Document("reconciliation/withdraw_file.graphql"),
            done=N_("The file is taken back; it may be uploaded again."),
        ),
    ),
)
