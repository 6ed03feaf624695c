"""`federation people …` about signing in: who lets a person in, and takes that away again."""

from typing import Any

import rich_click as click
from rich.table import Table

from federation.desk.client import Desk, after, at_desk, in_pages, when_text
from federation.desk.people import PAGE_MAX, people
from federation.desk.printing import make_table

ACCOUNT = """{ subject hasPassword hasTotp identities { issuer identity linkedAt }
  sessions { id role way madeAt seenAt endsAt } }"""
_INVITED = "id subject issuer identity reason state madeBy confirmedBy expiresAt"
INVITATION = f"{{ {_INVITED} }}"
_REFUSED = "... on Refused { code message }"
_ACCOUNT = f"{{ __typename ... on SignInAccount {ACCOUNT} {_REFUSED} }}"
_INVITATION = f"{{ __typename ... on PersonInvitation {INVITATION} {_REFUSED} }}"
_GIVEN = (
    f"""{{ __typename ... on GivenInvitation {{ half invitation {INVITATION} }} {_REFUSED} }}"""
)

INVITE = f"""mutation($subject: String!, $reason: String!) {{
  invitePerson(subject: $subject, reason: $reason) {_GIVEN} }}"""
LINK = f"""mutation($subject: String!, $issuer: String!, $identity: String!, $reason: String!) {{
  linkIdentity(subject: $subject, issuer: $issuer, identity: $identity, reason: $reason)
  {_INVITATION} }}"""
CONFIRM = f"mutation($id: ID!) {{ confirmPersonInvitation(id: $id) {_GIVEN} }}"
WITHDRAW = f"mutation($id: ID!) {{ withdrawPersonInvitation(id: $id) {_INVITATION} }}"
UNLINK = f"""mutation($subject: String!, $issuer: String!, $identity: String!, $reason: String!) {{
  unlinkIdentity(subject: $subject, issuer: $issuer, identity: $identity, reason: $reason)
  {_ACCOUNT} }}"""
CLOSE = f"""mutation($subject: String!, $reason: String!) {{
  closeAccount(subject: $subject, reason: $reason) {_ACCOUNT} }}"""
END = f"mutation($id: ID!) {{ endSession(id: $id) {_ACCOUNT} }}"
ACCOUNT_OF = f"query($subject: String!) {{ accountOf(subject: $subject) {ACCOUNT} }}"
INVITATIONS = f"""query($first: Int!, $after: String) {{
  personInvitations(first: $first, after: $after) {in_pages(_INVITED)} }}"""

_issuer = click.option("--issuer", required=True, help="The provider, as its tokens name it.")
_identity = click.option("--identity", required=True, help="Its `sub` for the person.")
_reason = click.option("--reason", required=True)


@people.command()
@click.argument("subject")
@_reason
@at_desk
def invite(desk: Desk, subject: str, reason: str) -> None:
    """Let SUBJECT sign in, first or anew: prints half a code; who confirms gets the other."""
    _show_given(desk, desk.ask(INVITE, subject=subject, reason=reason))


@people.command()
@click.argument("subject")
@_issuer
@_identity
@_reason
@at_desk
def link(desk: Desk, subject: str, issuer: str, identity: str, reason: str) -> None:
    """Propose that an account at a provider is SUBJECT's; another confirms."""
    row = desk.ask(LINK, subject=subject, issuer=issuer, identity=identity, reason=reason)
    _show_invitations(desk, row, [row])


@people.command("confirm-invitation")
@click.argument("number")
@at_desk
def confirm_invitation(desk: Desk, number: str) -> None:
    """Confirm an invitation or a link as another person, whom it does not concern."""
    _show_given(desk, desk.ask(CONFIRM, id=number))


@people.command("withdraw-invitation")
@click.argument("number")
@at_desk
def withdraw_invitation(desk: Desk, number: str) -> None:
    """Take back an invitation that waits or was not used."""
    row = desk.ask(WITHDRAW, id=number)
    _show_invitations(desk, row, [row])


@people.command()
@click.option("--first", default=PAGE_MAX, show_default=True, type=click.IntRange(1, PAGE_MAX))
@after
@at_desk
def invitations(desk: Desk, first: int, after: str | None) -> None:
    """List the invitations that wait to be confirmed or used."""
    page = desk.page(INVITATIONS, first=first, after=after)
    _show_invitations(desk, page, page.rows, page.title("Invitations"))


@people.command("account")
@click.argument("subject")
@at_desk
def account_of(desk: Desk, subject: str) -> None:
    """Show how SUBJECT signs in, and where it is signed in."""
    show_account(desk, desk.ask(ACCOUNT_OF, subject=subject))


@people.command()
@click.argument("subject")
@_issuer
@_identity
@_reason
@at_desk
def unlink(desk: Desk, subject: str, issuer: str, identity: str, reason: str) -> None:
    """Take an account at a provider from SUBJECT and end its sessions, at once."""
    show_account(
        desk, desk.ask(UNLINK, subject=subject, issuer=issuer, identity=identity, reason=reason)
    )


@people.command("close-account")
@click.argument("subject")
@_reason
@at_desk
def close_account(desk: Desk, subject: str, reason: str) -> None:
    """Take SUBJECT's password and one-time codes and end its sessions, at once."""
    show_account(desk, desk.ask(CLOSE, subject=subject, reason=reason))


@people.command("end-session")
@click.argument("session")
@at_desk
def end_session(desk: Desk, session: str) -> None:
    """End somebody's session, at once."""
    show_account(desk, desk.ask(END, id=session))


def show_account(desk: Desk, found: dict[str, Any]) -> None:
    """Print an account: the ways to sign in, and the live sessions."""

    def tables() -> list[Table]:
        ways = [
            ["provider", f"{each['issuer']} knows {each['identity']}"]
            for each in found["identities"]
        ]
        if found["hasPassword"]:
            ways.insert(0, ["password", "with" if found["hasTotp"] else "without"])
            ways[0][1] += " one-time codes"
        rows = [
            [
                row["id"],
                row["role"],
                row["way"],
                when_text(row["madeAt"]),
                when_text(row["seenAt"]),
                when_text(row["endsAt"]),
            ]
            for row in found["sessions"]
        ]
        return [
            make_table(f"How {found['subject']} signs in", ("way", "how"), ways),
            make_table("Sessions", ("id", "role", "way", "from", "seen", "until"), rows),
        ]

    desk.show(found, tables)


def _show_given(desk: Desk, found: dict[str, Any]) -> None:
    """Print an invitation, and half of its code where there is one: it is shown nowhere again."""
    row = found["invitation"]
    if desk.as_json or found["half"] is None:
        _show_invitations(desk, found, [row])
        return
    which = "First" if row["confirmedBy"] is None else "Second"
    click.echo(f"{which} half of the code for {row['subject']}, to be handed over by you alone:")
    click.echo(found["half"])
    _show_invitations(desk, found, [row])


def _show_invitations(
    desk: Desk, found: Any, rows: list[dict[str, Any]], title: str = "Invitations"
) -> None:
    columns = ("id", "subject", "account", "state", "by", "until", "reason")
    cells = [
        [
            row["id"],
            row["subject"],
            " ".join(filter(None, (row["issuer"], row["identity"]))),
            row["state"],
            ", ".join(filter(None, (row["madeBy"], row["confirmedBy"]))),
            when_text(row["expiresAt"]),
            row["reason"],
        ]
        for row in rows
    ]
    desk.show(found, lambda: [make_table(title, columns, cells)])
