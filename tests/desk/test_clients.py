"""`federation clients` over real HTTP: issued, listed, rotated, revoked; a secret shown once."""

import msgspec
import pytest

from federation.signing.enrolment import read_code
from federation.signing.keys import SigningKey
from federation.values.cursors import FIRST_MAX
from tests.desk.client_commands import run
from tests.oauth.conftest import running


@pytest.fixture
async def node(backend, tmp_path):
    async with running("node", backend, tmp_path / "node") as found:
        yield found


async def done(place, subject, *arguments):
    return msgspec.json.decode(await run(place, subject, *arguments, "--json"))


async def test_a_client_is_issued_rotated_and_revoked_from_a_shell(node):
    made = await done(node, "liam", "issue", "LAB", "Batch job", "--party", "lab-one")
    client_id, first = made["client"]["id"], made["credential"]["id"]
    assert made["secret"].startswith(f"cc_{first}_")

    second = await done(node, "liam", "rotate", client_id, "--days", "30")
    assert second["secret"].startswith(f"cc_{second['credential']['id']}_")
    assert await run(node, "liam", "rotate", client_id) == "TOO_MANY_CREDENTIALS"
    left = await done(node, "liam", "revoke", "--credential", first)
    assert len(left[0]["credentials"]) == 2
    assert [each["id"] for each in left[0]["credentials"] if each["revokedAt"]] == [first]

    shown = await run(node, "liam", "list")
    assert client_id in shown
    assert "LIVE" in shown
    assert "never" in shown
    assert second["secret"] not in shown
    [gone] = await done(node, "liam", "revoke", client_id)
    assert gone["state"] == "REVOKED"


async def test_the_secret_is_printed_whole_once_and_not_with_the_same_key_again(node):
    again = ["issue", "SITE", "Gate", "--party", "m-1", "--key", "gate-1"]
    first, second = await run(node, "rosa", *again), await run(node, "rosa", *again)

    [secret] = [word for word in first.split() if word.startswith("cc_")]
    assert len(secret) == 63
    assert "cc_" not in second
    assert len(await done(node, "rosa", "list")) == 1


async def test_the_code_of_a_site_is_printed_whole(node):
    shown = await run(node, "rosa", "site-code", "m-1", "https://pub.example")
    made = await done(node, "rosa", "site-code", "m-1", "https://pub.example", "--days", "30")

    text = shown.splitlines()[1]
    assert read_code(text).keys == read_code(made["code"]).keys
    assert (made["member"], text != made["code"]) == ("m-1", True)
    assert made["warnings"] == [
        "https://pub.example: nothing is earned there before the member claims pub.example/"
    ]
    assert made["warnings"][0] in shown
    assert await run(node, "rosa", "site-code", "m-0", "https://pub.example") == "UNKNOWN_MEMBER"
    assert await run(node, "rosa", "site-code", "m-1", "pub.example") == "BAD_CLIENT"


async def test_a_code_that_was_lost_is_withdrawn_by_its_id(node):
    made = await done(node, "rosa", "site-code", "m-1", "https://pub.example")

    gone = await done(node, "rosa", "withdraw-site-code", made["id"])

    assert (gone["id"], gone["member"]) == (made["id"], "m-1")
    assert await run(node, "rosa", "withdraw-site-code", made["id"]) == "BAD_SITE_CODE"


async def test_a_public_key_stands_for_a_secret(node, tmp_path):
    path = tmp_path / "public.json"
    path.write_bytes(msgspec.json.encode(SigningKey.generate().public_jwk()))

    made = await done(node, "nora", "issue", "TOOL", "Dashboard", "--public-key", str(path))

    assert made["secret"] is None
    assert made["client"]["credentials"][0]["kind"] == "KEY"


async def test_every_page_is_listed(node):
    for number in range(FIRST_MAX):
        await done(node, "liam", "issue", "LAB", f"Job {number}", "--party", "lab-one")
    await done(node, "liam", "issue", "LAB", "Job", "--party", "lab-two")

    found = await done(node, "liam", "list")

    assert len({each["id"] for each in found}) == len(found) == FIRST_MAX + 1


async def test_what_a_person_may_not_do_is_refused(node):
    before = await node.rows()

    assert await run(node, "ada", "issue", "TOOL", "Dashboard") == "NOT_ALLOWED"
    assert await run(node, "rosa", "issue", "SITE", "Gate", "--party", "m-0") == "UNKNOWN_MEMBER"
    assert await run(node, "liam", "revoke") == "NOT_ONE_THING"
    assert await run(node, "liam", "revoke", "lab-0", "--credential", "0") == "NOT_ONE_THING"
    assert await run(node, "liam", "revoke", "lab-0") == "UNKNOWN_CLIENT"

    assert await node.rows() == before
