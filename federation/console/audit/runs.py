"""Runs with their files, and how each is computed again; the heads that the journal left."""

from federation.console import words
from federation.console.page import N_, Document, Page, connection
from federation.console.settlement.words import RUN_STATES
from federation.values.roles import MAY_READ_BOOKS

RUNS_PAGE = Page(
    path="/audit/runs",
    title=N_("Runs and heads"),
    group=words.AUDIT,
    shown_to=MAY_READ_BOOKS.roles,
    template="audit/runs.html",
    document=Document("audit/runs.graphql"),
    view=lambda data, _: {
        "found": data["runs"],
        "head": data["ledgerHead"],
        "heads": connection(data["periodHeads"]),
        "states": RUN_STATES,
        "tones": {"APPROVED": "good", "WITHDRAWN": "bad"},
    },
)
