"""One person: what is proposed about it beside what is in force, and every version there was."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page, connection


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Put what waits beside what is in force."""
    versions = connection(data["people"])
    by_state = {each["state"]: each for each in reversed(versions)}
    return {
        "subject": asked.params["subject"],
        "found": data["people"],
        "versions": versions,
        "now": by_state.get("IN_FORCE"),
        "waits": [each for each in versions if each["state"] == "PROPOSED"],
        "states": words.PERSON_STATES,
        "roles": words.ROLES,
    }


PERSON_PAGE = Page(
    path="/people/{subject:str}",
    title=N_("Person"),
    template="people/person.html",
    document=Document("people/person.graphql"),
    view=view,
    acts=(
        Act(
            name="confirm-person",
            document=Document("people/confirm_person.graphql"),
            done=N_("Confirmed: it is in force from now on."),
        ),
        Act(
            name="withdraw-person",
            document=Document("people/withdraw_person.graphql"),
            done=N_("Withdrawn: nothing has changed."),
        ),
    ),
)
