"""What may not be used: the list of each collective, for a licence or for all, to download."""

from federation.console import words
from federation.console.page import N_, Document, Page, connection
from federation.values.roles import MAY_READ_WITHHELD

WITHHELD_PAGE = Page(
    path="/labs/withheld",
    title=N_("What may not be used"),
    group=words.LICENSING,
    shown_to=MAY_READ_WITHHELD.roles,
    template="labs/withheld.html",
    document=Document("labs/withheld.graphql"),
    view=lambda data, _: {
        "collectives": data["collectives"],
        "licences": connection(data["licences"]),
        "found": data["licences"],
    },
    at=frozenset({"hub"}),
)
