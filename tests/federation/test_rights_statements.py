"""An answer on rights that one can show, checked with the published keys and none of our code."""

import base64

import pytest
from cryptography.exceptions import InvalidSignature

from federation.values.party import HUB
from tests.federation.asked_about import (
    CONTESTED,
    DE_OWN,
    GB_OWN,
    MALFORMED,
    NOBODYS,
    WITHHELD,
    down,
)
from tests.federation.harness import nothing_changes
from tests.federation.holding import code_of
from tests.federation.signed_rights import keys_of, opened, unpacked

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST = "HUB-000001"
STATEMENT = """query($urls: [String!]!, $use: String!, $at: DateTime, $licence: String) {
  rightsStatement(urls: $urls, use: $use, at: $at, licence: $licence) {
    statement keyId issuer } }"""


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_a_statement_says_what_rights_say_and_anybody_can_check_it(shop, code):
    urls = [DE_OWN, WITHHELD, CONTESTED, NOBODYS, MALFORMED]

    async with nothing_changes(shop):
        found = await shop.at(code, "auditor").ask(STATEMENT, urls=urls, use="TRAIN")
    header, said = opened(found["statement"], await keys_of(shop, code))

    assert header == {"alg": "ES256", "typ": "rights+jwt", "kid": found["keyId"]}
    assert said["iss"] == found["issuer"] == shop.keepers[code].config.entity_id
    assert said["iat"] == int(shop.clock.instant.timestamp())
    assert said["rights"] == [
        {"address": DE_OWN, "status": "LICENSABLE", "collective": "DE"},
        {"address": WITHHELD, "status": "RESERVED", "reason": "OPTED_OUT", "collective": "DE"},
        {"address": CONTESTED, "status": "DISPUTED"},
        {"address": NOBODYS, "status": "NOT_REPRESENTED"},
        {"address": MALFORMED, "status": "MALFORMED"},
    ]
    assert [(one["node"], one["state"]) for one in said["nodes"]] == [("DE", "OK")]


async def test_one_letter_more_and_it_is_nobodys_word(shop):
    found = await shop.at(HUB, "auditor").ask(STATEMENT, urls=[DE_OWN], use="TRAIN")
    head, body, signature = found["statement"].split(".")
    forged = base64.urlsafe_b64encode(unpacked(body).replace(b"DE", b"FR")).decode().rstrip("=")
    keys = await keys_of(shop, HUB)

    with pytest.raises(InvalidSignature):
        opened(f"{head}.{forged}.{signature}", keys)


async def test_it_says_what_a_licence_covers_to_whom_it_may_concern(shop):
    found = await shop.lab("lab-one").ask(
        STATEMENT, urls=[DE_OWN, WITHHELD], use="TRAIN", licence=FIRST
    )
    _, said = opened(found["statement"], await keys_of(shop, HUB))
    _, over = opened(
        (
            await shop.lab("lab-one").ask(
                STATEMENT, urls=[DE_OWN], use="TRAIN", licence=FIRST, at="2031-01-01T00:00:00Z"
            )
        )["statement"],
        await keys_of(shop, HUB),
    )

    assert said["licence"] == FIRST
    assert [one["covered"] for one in said["rights"]] == [True, False]
    assert [one["covered"] for one in over["rights"]] == [False]


async def test_of_a_licence_of_another_lab_nothing_is_said(shop):
    async with nothing_changes(shop):
        asked = shop.lab("lab-two").ask(STATEMENT, urls=[DE_OWN], use="TRAIN", licence=FIRST)
        code = await code_of(asked)

    assert code == "UNKNOWN_LICENCE"


async def test_a_collective_that_does_not_answer_is_named_with_what_is_not_known(shop):
    async with down(shop, "DE"):
        found = await shop.at(HUB, "auditor").ask(STATEMENT, urls=[DE_OWN, GB_OWN], use="TRAIN")
        _, said = opened(found["statement"], await keys_of(shop, HUB))

    assert said["unanswered"] == [DE_OWN]
    assert [(one["node"], one["state"]) for one in said["nodes"]] == [
        ("DE", "ERROR"),
        ("GB", "OK"),
    ]
