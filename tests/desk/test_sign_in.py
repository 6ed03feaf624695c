"""`federation sign-in`, `account` and `people invite …` as people type them, and what they read."""

import msgspec
import pyotp
import pytest

from federation.accounts.tables import LocalAccount
from federation.cli.exits import EXIT_REFUSED
from federation.trust.key_secret import get_secret
from tests.desk.commands import run
from tests.oauth.conftest import NOW, PEOPLE, running
from tests.signin.conftest import MORE, PASSWORD, Browser

SECRET = pyotp.random_base32(32)


@pytest.fixture
async def hub(backend, tmp_path):
    """A hub at which Ada has a password and one-time codes, and Liam a password alone."""
    async with running("hub", backend, tmp_path / "hub", principal=[*PEOPLE, *MORE]) as place:
        server = place.service.server
        hashed = await server.hasher.hashed(PASSWORD)
        totp = get_secret(server.config).encrypted(SECRET.encode())
        async with server.db.write("test") as session:
            for person, more in (("ada", {"totp": totp, "totp_since": NOW}), ("liam", {})):
                session.add(
                    LocalAccount(person=person, password=hashed, set_at=NOW, totp_step=0, **more)
                )
        yield place


async def signing_in(hub, subject, typed, *options):
    return await run("sign-in", "--subject", subject, *options, FEDERATION_URL=hub.url, typed=typed)


async def asked(hub, who, *arguments, typed=None):
    where = {"FEDERATION_URL": hub.url, "FEDERATION_TOKEN": hub.staff(who), "COLUMNS": "250"}
    return await run(*arguments, typed=typed, **where)


async def test_the_shell_asks_for_what_the_server_wants(hub):
    code = pyotp.TOTP(SECRET).at(NOW.timestamp())
    alone = await signing_in(hub, "liam", f"{PASSWORD}\n")
    both = await signing_in(hub, "ada", f"{PASSWORD}\n{code}\n", "--export")
    again = await signing_in(hub, "ada", f"{PASSWORD}\n{code}\n")
    wrong = await signing_in(hub, "liam", "another long one\n")
    other = await signing_in(hub, "liam", f"{PASSWORD}\n", "--role", "auditor")

    assert (alone[0], alone[1].strip().count(".")) == (0, 2)
    lines = both[1].splitlines()
    assert lines[0] == f"export FEDERATION_URL={hub.url}"
    assert lines[1].startswith("export FEDERATION_TOKEN=ey")
    assert [again, wrong] == [(EXIT_REFUSED, "BAD_SIGN_IN")] * 2
    assert other == (EXIT_REFUSED, "UNKNOWN_CHOICE")
    nowhere = await run("sign-in", "--subject", "x", FEDERATION_URL="http://127.0.0.1:9", typed="x")
    assert nowhere == (EXIT_REFUSED, "NOT_REACHED")


async def test_two_people_hand_over_a_half_each(hub):
    made = await asked(hub, "olga", "people", "invite", "cara", "--reason", "begins")
    assert made == (EXIT_REFUSED, "NOT_IN_THE_DIRECTORY")
    _, made = await asked(hub, "olga", "people", "invite", "rosa", "--reason", "begins")
    _, waits = await asked(hub, "ada", "people", "invitations", "--json")
    _, confirmed = await asked(hub, "omar", "people", "confirm-invitation", "1")
    first, second = (text.splitlines()[1] for text in (made, confirmed))
    seen = await Browser(hub).open(
        "/sign-in/invitation", {"first": first, "second": second, "password": PASSWORD}
    )
    _, shown = await asked(hub, "ada", "people", "account", "rosa")
    _, found = await asked(hub, "ada", "people", "account", "rosa", "--json")
    [session] = msgspec.json.decode(found)["sessions"]
    code, ended = await asked(hub, "olga", "people", "end-session", session["id"], "--json")

    assert made.startswith("First half of the code for rosa, to be handed over by you alone:")
    assert confirmed.startswith("Second half of the code for rosa")
    assert [row["state"] for row in msgspec.json.decode(waits)["rows"]] == ["PROPOSED"]
    assert seen.location == "/session"
    assert "How rosa signs in" in shown
    assert (code, msgspec.json.decode(ended)["sessions"]) == (0, [])
    await asked(hub, "olga", "people", "invite", "rosa", "--reason", "forgot it")
    _, gone = await asked(hub, "omar", "people", "withdraw-invitation", "2", "--json")
    assert msgspec.json.decode(gone)["state"] == "WITHDRAWN"


async def test_a_person_looks_after_its_own_account(hub):
    browser = Browser(hub)
    await browser.open("/sign-in", {"subject": "liam", "password": PASSWORD})
    _, found = await asked(hub, "liam", "account", "show", "--json")
    [session] = msgspec.json.decode(found)["sessions"]
    _, ended = await asked(hub, "liam", "account", "end", session["id"], "--json")
    _, made = await asked(hub, "liam", "account", "codes", "--json", typed=f"{PASSWORD}\n")
    code = pyotp.TOTP(msgspec.json.decode(made)["secret"]).at(NOW.timestamp())
    _, set_up = await asked(hub, "liam", "account", "confirm-codes", code, "--json")
    wrong = await asked(hub, "liam", "account", "no-codes", typed="another long one\n")
    removed = await asked(hub, "liam", "account", "no-codes", "--json", typed=f"{PASSWORD}\n")

    assert msgspec.json.decode(ended)["sessions"] == []
    assert (await browser.session_page()).location == "/sign-in"
    assert msgspec.json.decode(set_up)["hasTotp"] is True
    assert wrong == (EXIT_REFUSED, "BAD_SIGN_IN")
    assert msgspec.json.decode(removed[1])["hasTotp"] is False
