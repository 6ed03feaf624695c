"""Who calls a server, with a token of its own."""

import pytest

from federation.scenario.servers import HUB_ENTITY
from federation.signing.tokens import mint_server_token, mint_staff_token
from federation.values.party import HUB
from tests.federation.harness import (
    DAY,
)

# Who may ask does not depend on the database: one is enough.
on_one_database = pytest.mark.parametrize("any_backend", ["sqlite"], indirect=True, scope="session")
INBOX = "/federation/inbox"


MINT = """mutation($licence: String!, $audience: [String!]!, $uses: [String!]) {
  mintToken(licence: $licence, audience: $audience, uses: $uses) {
    ... on LicenceToken { token audience } ... on Refused { code message } } }"""


def entity(code):
    return HUB_ENTITY if code == HUB else f"https://{code.lower()}.federation.example"


def call_token(small, caller, callee, *, key=None, now=DAY):
    """Return a call token of one server for another, if not signed by somebody else."""
    return mint_server_token(
        key or small.key(caller), caller=entity(caller), callee=callee, now=now
    )


def staff(small, code, subject, role, *, signer=None, now=DAY):
    return mint_staff_token(
        small.token_key(signer or code), server=entity(code), subject=subject, role=role, now=now
    )
