"""People get a way to sign in in a browser, as at any server: two people let somebody in.

One makes an invitation and another confirms it; each has half of its code, and the person chooses a
password with both.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from federation.scenario.client import Person
from federation.scenario.servers import Running

_INVITE: Final = """mutation($subject: String!) {
  invitePerson(subject: $subject, reason: "works here") {
    __typename ... on GivenInvitation { half invitation { id } } ... on Refused { code message }
  }
}"""
_CONFIRM: Final = """mutation($id: ID!) {
  confirmPersonInvitation(id: $id) {
    __typename ... on GivenInvitation { half } ... on Refused { code message }
  }
}"""


class NotLetInError(Exception):
    """The sign-in page did not take an invitation; the text says where, and the HTTP status."""


async def let_in(
    server: Running, inviters: tuple[Person, Person], people: Iterable[str], password: str
) -> None:
    """Let people in at a server, each by two others (NotLetInError, ApiError)."""
    first, second = inviters
    for subject in people:
        given = await first.ask(_INVITE, subject=subject)
        confirmed = await second.ask(_CONFIRM, id=given["invitation"]["id"])
        form = {
            "first": given["half"],
            "second": confirmed["half"],
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
