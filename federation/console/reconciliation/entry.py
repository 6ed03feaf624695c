"""One entry of the bank: what it says, what it may be for, what was done with it and by whom."""

from collections.abc import Mapping
from typing import Any

from federation.console.page import N_, Act, Asked, Data, Document, Page, connection
from federation.console.reconciliation import named
from federation.console.reconciliation.match import CONFIRM
from federation.console.reconciliation.typed import ROWS, items_of_one, suggested
from federation.money import decimal_text
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_PREPARE_OR_APPROVE


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Fill the lines to be typed with the suggestion that the address names, if there is one."""
    entry = data["bankEntry"]
    queued = next(iter(connection(data["bankQueue"])), None)
    suggestions = queued["suggestions"] if queued else []
    number = asked.query.get("suggestion", "")
    wanted = [each for place, each in enumerate(suggestions, 1) if str(place) == number]
    return {
        "ITEMS": named.ITEMS,
        "STATES": named.ENTRY_STATES,
        "ACTS": named.ACTS,
        "tones": named.TONES,
        "entry": entry,
        "queued": queued,
        "suggestions": suggestions,
        "matches": data["bankMatches"],
        "comments": data["bankComments"],
        "me": asked.principal.subject if asked.principal else "",
        "first": _lines(wanted[0], entry["amount"]["currency"]) if wanted else [],
        "typed_rows": range(ROWS),
        "may_settle": asked.may(MAY_PREPARE),
        "may_approve": asked.may(MAY_APPROVE),
        "may_undo": asked.may(MAY_PREPARE_OR_APPROVE),
    }


def _lines(suggestion: Mapping[str, Any], currency: str) -> list[dict[str, str]]:
    """Return the items of a suggestion as one types them, and a line for what they leave open."""
    lines = [
        {**item, "amount": decimal_text(int(item["amount"]), currency)}
        for item in suggestion["items"]
    ]
    ref = suggestion["items"][0]["ref"]
    rest = {"kind": "", "ref": ref, "amount": decimal_text(int(suggestion["difference"]), currency)}
    return [*lines, rest] if suggestion["difference"] != "0" else lines


ENTRY_PAGE = Page(
    path="/reconciliation/entries/{entry:str}",
    title=N_("Entry of the bank"),
    template="reconciliation/entry.html",
    document=Document("reconciliation/entry.graphql"),
    view=view,
    acts=(
        Act(
            name="entry-suggestion",
            document=CONFIRM,
            done=N_("The suggestion is confirmed."),
            variables=suggested,
        ),
        Act(
            name="entry-items",
            document=Document("reconciliation/settle_with_items.graphql"),
            done=N_("Said what it was for: what one person may settle alone is settled."),
            variables=items_of_one,
        ),
        Act(
            name="entry-approve",
            document=Document("reconciliation/approve_settlement.graphql"),
            done=N_("Approved: the entry is settled."),
        ),
        Act(
            name="entry-undo",
            document=Document("reconciliation/undo_settlement.graphql"),
            done=N_("Taken back: the entry waits again."),
        ),
        Act(
            name="entry-take",
            document=Document("reconciliation/take_entry.graphql"),
            done=N_("You see to this entry now."),
        ),
        Act(
            name="entry-hand-over",
            document=Document("reconciliation/hand_over_entry.graphql"),
            done=N_("Handed over."),
        ),
        Act(
            name="entry-let-go",
            document=Document("reconciliation/let_go_of_entry.graphql"),
            done=N_("Nobody sees to this entry now."),
        ),
        Act(
            name="entry-comment",
            document=Document("reconciliation/comment_on_entry.graphql"),
            done=N_("Your comment is kept."),
        ),
    ),
)
