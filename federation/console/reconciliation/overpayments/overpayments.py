"""What was paid too much and is left, and what it was set off against."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page, connection
from federation.console.reconciliation import named
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_READ_BOOKS


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show both lists, and what this office may do."""
    return {
        "overpayments": connection(data["overpayments"]),
        "has_more": data["overpayments"]["pageInfo"]["hasNextPage"],
        "found": data["setOffs"],
        "kinds": named.OVERPAYMENTS,
        "against": {kind: named.ITEMS[kind] for kind in named.SET_AGAINST},
        "states": named.SET_OFF_STATES,
        "tones": named.SET_OFF_TONES,
        "prepares": asked.may(MAY_PREPARE),
        "approves": asked.may(MAY_APPROVE),
    }


def _act(name: str, file: str, done: str) -> Act:
    return Act(name, Document(f"reconciliation/overpayments/{file}.graphql"), done)


OVERPAYMENTS_PAGE = Page(
    path="/reconciliation/overpayments",
    title=N_("Overpayments"),
    group=words.RECONCILIATION,
    shown_to=MAY_READ_BOOKS.roles,
    template="reconciliation/overpayments/overpayments.html",
    document=Document("reconciliation/overpayments/overpayments.graphql"),
    view=view,
    acts=(
        _act("refund", "refund", N_("Proposed as a payment: another person approves it.")),
        _act("set-off", "set_off", N_("Proposed: another person approves it.")),
        _act("approve-set-off", "approve", N_("Approved: it is set off in the books.")),
        _act("withdraw-set-off", "withdraw", N_("The proposal is taken back.")),
        _act("undo-set-off", "undo", N_("Proposed to take it back: another person confirms.")),
        _act("confirm-undo", "confirm_undo", N_("Taken back: it is owed again.")),
    ),
)
