"""`federation sign-in` and `federation account`: a person's token, one-time codes and sessions."""

from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec
import rich_click as click

from federation.desk.client import Desk, NotReachedError, ServerRefusedError, at_desk, refused
from federation.desk.people_sign_in import ACCOUNT, show_account
from federation.desk.printing import make_table

SECONDS_MAX = 30
OWN = f"{{ ownAccount {ACCOUNT} }}"
END_OWN = f"""mutation($id: ID!) {{ endOwnSession(id: $id) {{
  __typename ... on SignInAccount {ACCOUNT} ... on Refused {{ code message }} }} }}"""
BEGIN_TOTP = """mutation($password: String!) { beginTotp(password: $password) {
  __typename ... on TotpSecret { secret uri } ... on Refused { code message } } }"""
CONFIRM_TOTP = f"""mutation($code: String!) {{ confirmTotp(code: $code) {{
  __typename ... on SignInAccount {ACCOUNT} ... on Refused {{ code message }} }} }}"""
REMOVE_TOTP = f"""mutation($password: String!) {{ removeTotp(password: $password) {{
  __typename ... on SignInAccount {ACCOUNT} ... on Refused {{ code message }} }} }}"""
CODE_NEEDED = "CODE_NEEDED"


@click.command("sign-in")
@click.option("--url", envvar="FEDERATION_URL", required=True, help="Or FEDERATION_URL.")
@click.option("--subject", required=True, help="By what the server knows you.")
@click.option("--role", help="In which of your roles, where you have several.")
@click.option("--export", "as_exports", is_flag=True, help="Print lines for a shell to read.")
def sign_in(url: str, subject: str, role: str | None, *, as_exports: bool) -> None:
    """Ask a server for a token of 12 hours: by your password there, which is asked for here.

    Who signs in at a provider finds such a token on the page of the session.
    """
    said = {"subject": subject, "password": _asked("Password"), "role": role}
    try:
        token = _token(url, said)
    except ServerRefusedError as refusal:
        if refusal.code != CODE_NEEDED:
            raise
        token = _token(url, {**said, "code": _asked("One-time code")})
    if as_exports:
        click.echo(f"export FEDERATION_URL={url}\nexport FEDERATION_TOKEN={token}")
    else:
        click.echo(token)


@click.group()
def account() -> None:
    """Look after your own account: where you are signed in, one-time codes."""


@account.command("show")
@at_desk
def show(desk: Desk) -> None:
    """Show how you sign in, and where you are signed in."""
    show_account(desk, desk.ask(OWN))


@account.command("end")
@click.argument("session")
@at_desk
def end(desk: Desk, session: str) -> None:
    """End one of your sessions."""
    show_account(desk, desk.ask(END_OWN, id=session))


@account.command("codes")
@at_desk
def codes(desk: Desk) -> None:
    """Set up one-time codes: print their secret, for a telephone; `confirm-codes` begins them.

    Your password is asked for.
    """
    found = desk.ask(BEGIN_TOTP, password=_asked("Password"))
    rows = [["secret", found["secret"]], ["address", found["uri"]]]
    desk.show(found, lambda: [make_table("For your telephone", ("", ""), rows)])


@account.command("confirm-codes")
@click.argument("code")
@at_desk
def confirm_codes(desk: Desk, code: str) -> None:
    """Show the first CODE of your telephone: from now on you sign in with one."""
    show_account(desk, desk.ask(CONFIRM_TOTP, code=code))


@account.command("no-codes")
@at_desk
def no_codes(desk: Desk) -> None:
    """Sign in without one-time codes again. Your password is asked for."""
    show_account(desk, desk.ask(REMOVE_TOTP, password=_asked("Password")))


def _asked(what: str) -> str:
    """Ask at the terminal, unseen, beside what the command prints."""
    return str(click.prompt(what, hide_input=True, err=True))


def _token(url: str, said: dict[str, Any]) -> str:
    where = urlsplit(url)
    kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
    try:
        with closing(kind(where.hostname or "", where.port, timeout=SECONDS_MAX)) as http:
            path = f"{where.path.rstrip('/')}/sign-in/token"
            http.request(
                "POST", path, msgspec.json.encode(said), {"Content-Type": "application/json"}
            )
            response = http.getresponse()
            found = msgspec.json.decode(response.read(), type=dict[str, Any])
    except (OSError, HTTPException, ValueError) as error:
        raise NotReachedError(f"{url}: {error}") from error
    if "token" not in found:
        raise refused(str(found.get("code")), str(found.get("message")))
    return str(found["token"])
