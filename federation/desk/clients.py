"""`federation clients`: programs that ask a server with a credential of their own."""

import secrets
from pathlib import Path
from typing import Any, ClassVar

import rich_click as click

from federation.desk.client import Desk, at_desk, in_pages, when_text
from federation.desk.printing import make_table
from federation.errors import RefusalError

REFUSED = "... on Refused { code message }"
CLIENT = """id kind party name state lastUsedAt
  credentials { id kind madeAt expiresAt revokedAt }"""
LIST = f"query($after: String) {{ clients(after: $after) {in_pages(CLIENT)} }}"
ISSUE = f"""mutation($kind: ClientKind!, $party: String, $name: String!, $publicKey: String,
    $days: Int!, $key: String!) {{
  issueClient(kind: $kind, party: $party, name: $name, publicKey: $publicKey, days: $days,
    key: $key) {{
    __typename ... on GivenCredential {{ secret client {{ {CLIENT} }} credential {{ id }} }}
    {REFUSED} }} }}"""
ROTATE = f"""mutation($client: ID!, $publicKey: String, $days: Int!) {{
  addClientCredential(client: $client, publicKey: $publicKey, days: $days) {{
    __typename ... on GivenCredential {{ secret client {{ {CLIENT} }} credential {{ id }} }}
    {REFUSED} }} }}"""
REVOKE = f"""mutation($client: ID!) {{ revokeClient(client: $client) {{
  __typename ... on Client {{ {CLIENT} }} {REFUSED} }} }}"""
REVOKE_CREDENTIAL = f"""mutation($credential: ID!) {{
  revokeClientCredential(credential: $credential) {{
    __typename ... on Client {{ {CLIENT} }} {REFUSED} }} }}"""

SITE_CODE = f"""mutation($member: String, $origins: [String!]!, $days: Int!) {{
  issueSiteCode(member: $member, origins: $origins, days: $days) {{
    __typename ... on SiteCode {{ id code member expiresAt warnings }} {REFUSED} }} }}"""
WITHDRAW_SITE_CODE = f"""mutation($code: ID!) {{ withdrawSiteCode(code: $code) {{
  __typename ... on WithdrawnSiteCode {{ id member }} {REFUSED} }} }}"""

KEY_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
public_key = click.option(
    "--public-key", type=KEY_FILE, help="A public ES256 JWK instead of a secret made here."
)
days = click.option(
    "--days",
    type=click.IntRange(1, 1_826),
    default=730,
    show_default=True,
    help="How long it lives.",
)


class NotOneThingError(RefusalError):
    """Either a client is revoked or one of its credentials."""

    code: ClassVar[str] = "NOT_ONE_THING"


@click.group()
def clients() -> None:
    """Make, list, rotate and revoke clients: programs of labs, member sites and tools.

    A token is what `federation token --config F --subject S --role R` prints; R is
    licensing_officer or lab for labs, registry_officer, node_operator or member for sites,
    federation_operator or node_operator for tools.
    """


@clients.command("list")
@at_desk
def list_clients(desk: Desk) -> None:
    """List the clients one may act on, with when they were last heard of."""
    _show(desk, desk.walk(LIST))


@clients.command()
@click.argument("kind", type=click.Choice(["LAB", "SITE", "TOOL"]))
@click.argument("name")
@click.option("--party", help="The lab or member it stands for; a tool stands for none.")
@click.option("--key", help="The same again makes no second client.")
@public_key
@days
@at_desk
def issue(
    desk: Desk,
    kind: str,
    name: str,
    party: str | None,
    key: str | None,
    public_key: Path | None,
    days: int,
) -> None:
    """Make a client called NAME; its secret is shown once."""
    about = {"kind": kind, "name": name, "party": party, "days": days}
    key = key or secrets.token_hex(16)
    _show_given(desk, desk.ask(ISSUE, **about, publicKey=_text(public_key), key=key))


@clients.command("site-code")
@click.argument("member")
@click.argument("origins", nargs=-1, required=True)
@click.option("--days", type=click.IntRange(1, 30), default=7, show_default=True)
@at_desk
def site_code(desk: Desk, member: str, origins: tuple[str, ...], days: int) -> None:
    """Make a code with which MEMBER installs its site under ORIGINS, https://host each.

    The site takes it once: `federation-site init CODE`. An origin that lies under no claim of the
    member earns nothing: that is said, and the code is good all the same.
    """
    made = desk.ask(SITE_CODE, member=member, origins=list(origins), days=days)
    if desk.as_json:
        desk.show(made, tuple)
        return
    click.echo(f"Shown once, good once, for {made['member']} until {when_text(made['expiresAt'])}:")
    click.echo(made["code"])  # in no table, which would break it
    for warning in made["warnings"]:
        click.echo(warning)
    click.echo(f"Until it is used: federation clients withdraw-site-code {made['id']}")


@clients.command("withdraw-site-code")
@click.argument("code")
@at_desk
def withdraw_site_code(desk: Desk, code: str) -> None:
    """End the site code with the id CODE, which nobody has used yet."""
    gone = desk.ask(WITHDRAW_SITE_CODE, code=code)
    rows = [[gone["id"], gone["member"]]]
    desk.show(gone, lambda: [make_table("Withdrawn", ("site code", "member"), rows)])


@clients.command()
@click.argument("client")
@public_key
@days
@at_desk
def rotate(desk: Desk, client: str, public_key: Path | None, days: int) -> None:
    """Give CLIENT a second credential; revoke the first one when the second is in use."""
    _show_given(desk, desk.ask(ROTATE, client=client, publicKey=_text(public_key), days=days))


@clients.command()
@click.argument("client", required=False)
@click.option("--credential", help="Only this credential.")
@at_desk
def revoke(desk: Desk, client: str | None, credential: str | None) -> None:
    """End CLIENT with all it has, or one credential, at once and for good."""
    if (client is None) == (credential is None):
        raise NotOneThingError
    if credential is not None:
        _show(desk, [desk.ask(REVOKE_CREDENTIAL, credential=credential)])
    else:
        _show(desk, [desk.ask(REVOKE, client=client)])


def _text(path: Path | None) -> str | None:
    return None if path is None else path.read_text(encoding="utf-8")


def _show_given(desk: Desk, given: dict[str, Any]) -> None:
    rows = [[given["client"]["id"], given["credential"]["id"], given["secret"] or ""]]
    columns = ("client", "credential", "secret")
    desk.show(given, lambda: [make_table("Shown once", columns, rows)])


def _show(desk: Desk, found: list[dict[str, Any]]) -> None:
    columns = ("client", "kind", "party", "name", "state", "last heard of", "credentials")
    rows = [
        [
            item["id"],
            item["kind"],
            item["party"] or "",
            item["name"],
            item["state"],
            when_text(item["lastUsedAt"]) or "never",
            "\n".join(_credential(each) for each in item["credentials"]),
        ]
        for item in found
    ]
    desk.show(found, lambda: [make_table("Clients", columns, rows)])


def _credential(each: dict[str, Any]) -> str:
    if each["revokedAt"]:
        return f"{each['id']} revoked {when_text(each['revokedAt'])}"
    return f"{each['id']} {each['kind']} until {when_text(each['expiresAt'])}"
