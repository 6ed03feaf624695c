"""The directory of people: who is here, what is proposed, who was."""

from federation.console import words
from federation.console.page import N_, Document, Page
from federation.values.roles import MAY_READ_PEOPLE

PEOPLE_PAGE = Page(
    path="/people",
    title=N_("People"),
    group=words.SERVER,
    shown_to=MAY_READ_PEOPLE.roles,
    template="people/directory.html",
    document=Document("people/directory.graphql"),
    view=lambda data, _: {
        "found": data["people"],
        "states": words.PERSON_STATES,
        "roles": words.ROLES,
    },
)
