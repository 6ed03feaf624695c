"""Reconciliation side by side: what the bank booked, what is expected, and the difference."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page, connection
from federation.console.reconciliation import named
from federation.console.reconciliation.typed import ROWS, selection, suggested, sums
from federation.money import exponent
from federation.values.roles import MAY_PREPARE, MAY_READ_BOOKS

CONFIRM = Document("reconciliation/confirm_match.graphql")
# What templates call the codes.
SAID = {"ITEMS": named.ITEMS, "DIFFERENCES": named.DIFFERENCES, "STATES": named.ENTRY_STATES}


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Say of each entry of the page whether its best suggestion can be confirmed as it is."""
    queue = connection(data["bankQueue"])
    accounts = [each["account"] for each in data["reconciliationReport"]]
    return {
        **SAID,
        "reports": data["reconciliationReport"],
        "accounts": {each["id"]: each for each in accounts},
        "queue": data["bankQueue"],
        "entries": queue,
        "expected": data["bankExpected"],
        "exact": [each["entry"]["id"] for each in queue if is_exact(each)],
        "typed_rows": range(ROWS),
        "sums": sums,
        "may_act": asked.may(MAY_PREPARE),
        "tones": named.TONES,
        "digits": exponent,
    }


def is_exact(queued: Mapping[str, Any]) -> bool:
    """Tell whether the server says that an entry is beyond doubt."""
    return queued["entry"]["state"] == "OPEN" and any(
        each["isExact"] for each in queued["suggestions"][:1]
    )


MATCH_PAGE = Page(
    path="/reconciliation",
    title=N_("Bank and books"),
    group=words.RECONCILIATION,
    shown_to=MAY_READ_BOOKS.roles,
    template="reconciliation/match.html",
    document=Document("reconciliation/match.graphql"),
    view=view,
    acts=(
        Act(
            name="match-selection",
            document=CONFIRM,
            done=N_("Said what it was for: what one person may settle alone is settled."),
            variables=selection,
        ),
        Act(
            name="match-best",
            document=CONFIRM,
            done=N_("The suggestion is confirmed."),
            variables=suggested,
        ),
        Act(
            name="match-exact",
            document=Document("reconciliation/confirm_exact.graphql"),
            done=N_("The exact suggestions are confirmed, all of them."),
        ),
    ),
)
