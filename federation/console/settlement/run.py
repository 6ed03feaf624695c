"""A run: who owes whom, what is left for each, what changed since another run and why."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from federation.console.page import N_, Act, Asked, Data, Document, Page, connection
from federation.console.settlement.words import REPLIES, RUN_STATES
from federation.values.roles import MAY_APPROVE, MAY_PREPARE

ROWS_MAX: Final = 200  # of what differs; the rest by GraphQL


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Put the netting into a matrix, and beside the run the others of its month."""
    runs, run_id = connection(data["runs"]), asked.params["runId"]
    netting, diff = data["runNetting"], data["runDiff"]
    parties = [each["party"] for each in netting["positions"]]
    cells: dict[tuple[str, str], list[Data]] = {}
    for each in netting["clearings"]:
        cells.setdefault((each["debtor"], each["creditor"]), []).append(each["cleared"])
    return {
        "run": next((each for each in runs if each["runId"] == run_id), None),
        "others": [each["runId"] for each in runs if each["runId"] != run_id],
        "parties": parties,
        "cells": {pair: _sum(found) for pair, found in cells.items()},
        "positions": netting["positions"],
        "shares": diff["shares"][:ROWS_MAX],
        "shares_left": max(0, len(diff["shares"]) - ROWS_MAX),
        "causes": diff["causes"][:ROWS_MAX],
        "causes_left": max(0, len(diff["causes"]) - ROWS_MAX),
        "is_compared": "old" in asked.query,
        "answers": data["runAnswers"],
        "states": RUN_STATES,
        "replies": REPLIES,
        "prepares": asked.may(MAY_PREPARE),
        "approves": asked.may(MAY_APPROVE),
    }


def _sum(amounts: list[Data]) -> Data:
    """Add amounts of one currency: what clears is in the clearing currency."""
    return {**amounts[0], "minor": str(sum(int(each["minor"]) for each in amounts))}


def _act(name: str, done: str) -> Act:
    return Act(name, Document(f"settlement/{name.replace('-', '_')}.graphql"), done)


_page = partial(
    Page,
    path="/month/{period:str}/run/{runId:str}",
    title=N_("Run"),
    template="settlement/run.html",
    document=Document("settlement/run.graphql"),
    view=view,
)
RUN_AT_THE_HUB = _page(
    at=frozenset({"hub"}),
    acts=(
        _act("advise-run", N_("Shown to the nodes: they may object until the end of the term.")),
        _act("approve-run", N_("Approved: the month is locked and its payments are proposed.")),
        _act("withdraw-run", N_("Withdrawn.")),
        _act("settle-objection", N_("Answered.")),
    ),
)
RUN_AT_A_NODE = _page(
    at=frozenset({"node"}),
    acts=(
        _act("concur-with-run", N_("The hub is told that you concur.")),
        _act("object-to-run", N_("The hub is told that you object, and why.")),
    ),
)
