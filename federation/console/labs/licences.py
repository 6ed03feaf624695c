"""Licences, and one of them: its terms, where it is registered, and a token by hand."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from federation.console import words
from federation.console.labs import codes
from federation.console.page import N_, Act, Asked, Data, Document, Page, Said
from federation.values.roles import MAY_BUY, MAY_READ_LICENCES

MINT = Document("labs/mint_token.graphql")


def counted(registrations: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Count registrations by their states, in the order of the words."""
    found = Counter(each["state"] for each in registrations)
    return [(state, found[state]) for state in codes.REGISTRATION_STATES if found[state]]


def minting(form: Said, asked: Asked) -> Mapping[str, Any]:
    """Read a token's sites, one a line, and the uses that are ticked."""
    audience = form.get("audience", "").split()
    uses = [name.removeprefix("uses.") for name in form if name.startswith("uses.")]
    return {
        "licence": asked.params["number"],
        "audience": audience or None,
        "uses": uses or None,
        "publicKey": form.get("publicKey"),
    }


def one(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show a licence with the count of its registrations; who may mint sees the form."""
    return {
        "licence": data["licence"],
        "counts": counted(data["licence"]["registrations"]),
        "mints": asked.may(MAY_BUY),
        "codes": codes,
    }


LICENCES_PAGE = Page(
    path="/labs/licences",
    title=N_("Licences"),
    group=words.LICENSING,
    shown_to=MAY_READ_LICENCES.roles,
    template="labs/licences.html",
    document=Document("labs/licences.graphql"),
    view=lambda data, _: {"found": data["licences"], "counted": counted, "codes": codes},
)
LICENCE_PAGE = Page(
    path="/labs/licences/{number:str}",
    title=N_("Licence"),
    template="labs/licence.html",
    document=Document("labs/licence.graphql"),
    view=one,
    acts=(
        Act(
            name="mint-token",
            document=MINT,
            done=N_("A token was minted. It is shown once."),
            variables=minting,
            shows="labs/token.html",
        ),
    ),
)
