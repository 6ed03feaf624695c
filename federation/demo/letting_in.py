"""People get a way to sign in to the console, as the sign-in page says it: two people let them in.

One makes an invitation and another confirms it; each has half of a code, and the person chooses a
password with both.
"""

import secrets
from collections.abc import Iterable
from http import HTTPStatus

from federation.scenario.servers import Running

INVITE = """mutation($subject: String!) {
  invitePerson(subject: $subject, reason: "works here") {
    __typename ... on GivenInvitation { half invitation { id } } ... on Refused { code message }
  }
}"""
CONFIRM = """mutation($id: ID!) {
  confirmPersonInvitation(id: $id) {
    __typename ... on GivenInvitation { half } ... on Refused { code message }
  }
}"""


class NotLetInError(Exception):
    """The sign-in page did not take an invitation."""


def new_password() -> str:
    """Return a password that nobody can guess; the people of one demo share it."""
    return secrets.token_urlsafe(12)


async def let_in(
    server: Running, inviters: tuple[str, str], people: Iterable[str], password: str
) -> None:
    """Let people in at a server, each by two others (NotLetInError, ApiError)."""
    first, second = (server.person(name, _role(server, name)) for name in inviters)
    for subject in people:
        made = await first.ask(INVITE, subject=subject)
        given = await second.ask(CONFIRM, id=made["invitation"]["id"])
        form = {
            "first": made["half"],
            "second": given["half"],
            "password": password,
            "way": "password",
        }
        await _redeem(server, form)


async def _redeem(server: Running, form: dict[str, str]) -> None:
    async with server.http.post(
        f"{server.url}/sign-in/invitation",
        data=form,
        headers={"Origin": server.url},
        allow_redirects=False,
    ) as answer:
        if answer.status != HTTPStatus.SEE_OTHER:
            raise NotLetInError(f"{server.url}: HTTP {answer.status}")


def _role(server: Running, subject: str) -> str:
    return next(each.roles[0] for each in server.config.principal if each.subject == subject)
