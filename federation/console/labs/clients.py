"""A lab's programs and their credentials: a secret is shown once, when it is made."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.labs import codes
from federation.console.page import N_, Act, Asked, Data, Document, Page, Said, connection
from federation.values.roles import CLIENT_KEEPERS, MAY_BUY, ClientKind

KEEPERS = CLIENT_KEEPERS[ClientKind.LAB]
ISSUE = Document("labs/issue_client.graphql")
GIVEN = "labs/secret.html"


def issuing(form: Said, asked: Asked) -> Mapping[str, Any]:
    """Fill in the lab of who is of one: it is named in any case."""
    own = asked.principal.party if asked.principal and asked.may(MAY_BUY) else None
    return ISSUE.filled({**form, **({"party": own} if own else {})})


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the programs of labs, with the credentials that are live first."""
    rows = [each for each in connection(data["clients"]) if each["kind"] == ClientKind.LAB]
    return {
        "found": data["clients"],
        "rows": rows,
        "keeps": asked.may(KEEPERS.roles),
        "is_own": asked.may(MAY_BUY),
        "codes": codes,
    }


CLIENTS_PAGE = Page(
    path="/labs/clients",
    title=N_("Programs and secrets"),
    group=words.LICENSING,
    shown_to=KEEPERS.roles,
    template="labs/clients.html",
    document=Document("labs/clients.graphql"),
    view=view,
    acts=(
        Act(
            name="issue-lab-client",
            document=ISSUE,
            done=N_("The program is made. Its secret is shown once."),
            variables=issuing,
            shows=GIVEN,
        ),
        Act(
            name="add-lab-credential",
            document=Document("labs/add_credential.graphql"),
            done=N_("The credential is made. Its secret is shown once."),
            shows=GIVEN,
        ),
        Act(
            name="revoke-lab-credential",
            document=Document("labs/revoke_credential.graphql"),
            done=N_("Revoked: it opens nothing any more."),
        ),
        Act(
            name="revoke-lab-client",
            document=Document("labs/revoke_client.graphql"),
            done=N_("Revoked, with all its credentials."),
        ),
    ),
)
