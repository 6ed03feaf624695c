"""The correction under way: opened for a month, calculated, shown to the nodes, approved."""

from collections.abc import Mapping
from typing import Any, Final

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page
from federation.console.settlement.words import RUN_STATES, month_before
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_READ_BOOKS

LATE: Final = "late usage"  # of the work-list: what a correction would take in
REPORT: Final = "usage report"  # that an open round still waits for
_OF_CORRECTION: Final = "correction/"


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show what came late, the runs under way, and the debits with the run that each is of."""
    waits = data["workList"]
    found = data["correction"]
    return {
        "late": [item for item in waits if item["kind"] == LATE],
        "awaited": [item for item in waits if item["kind"] == REPORT],
        "runs": found["runs"] if found else [],
        "debits": [{**each, "run": _run_of(each["document"])} for each in data["debits"]],
        "states": RUN_STATES,
        "period": month_before(asked.today),
        "prepares": asked.may(MAY_PREPARE),
        "approves": asked.may(MAY_APPROVE),
    }


def _run_of(document: str) -> str | None:
    """Return the run that a debit's name in the books says, None where another act made it."""
    is_of_one = document.startswith(_OF_CORRECTION)
    return document.removeprefix(_OF_CORRECTION).partition("/")[0] if is_of_one else None


def _act(name: str, done: str) -> Act:
    return Act(f"{name}-correction", Document(f"settlement/correction/{name}.graphql"), done)


CORRECTION_PAGE = Page(
    path="/corrections",
    title=N_("Corrections"),
    group=words.SETTLEMENT,
    shown_to=MAY_READ_BOOKS.roles,
    template="settlement/correction/correction.html",
    document=Document("settlement/correction/correction.graphql"),
    view=view,
    at=frozenset({"hub"}),
    acts=(
        _act("open", N_("Opened: every server takes in what came late, and reports once more.")),
        _act("calculate", N_("Calculated: settled months, from the latest reports.")),
        _act("advise", N_("Shown to the nodes: they may object until the end of the term.")),
        _act("approve", N_("Approved: it is posted in the month that is open now.")),
        _act("withdraw", N_("Withdrawn.")),
    ),
)
