"""The account of who looks: how one signs in here, and where one is signed in."""

from federation.console import words
from federation.console.page import N_, Act, Document, Page

OWN_PAGE = Page(
    path="/account",
    title=N_("Your account"),
    template="account/own.html",
    document=Document("account/own.graphql"),
    view=lambda data, _: {"own": data["ownAccount"], "roles": words.ROLES},
    acts=(
        Act(
            "end-own-session",
            Document("account/end_session.graphql"),
            N_("Ended: nobody acts in that browser any more."),
        ),
    ),
)
