"""Who belongs to the federation, and how to buy, to join, and to have a work left out."""

from federation.console import words
from federation.console.page import N_, Document, Page

HOW_PAGE = Page(
    path="/how",
    title=N_("Buy, join, opt out"),
    group=words.PUBLIC,
    template="public/how.html",
    document=Document("public/how.graphql"),
    view=lambda data, asked: {"collectives": data["collectives"], "is_hub": asked.is_hub},
)
