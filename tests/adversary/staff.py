"""What the hub's two operators do with messages that could not be handled."""

from tests.federation.harness import HUB

IDS = "{ parkedMessages(first: 100) { edges { node { id state code } } } }"
DROP = """mutation($id: ID!, $reason: String!) { proposeDropMessage(message: $id, reason: $reason) {
  __typename ... on ParkedMessage { id state } ... on Refused { code message } } }"""
CONFIRM = """mutation($id: ID!) { confirmDropMessage(message: $id) {
  __typename ... on ParkedMessage { id state } ... on Refused { code message } } }"""
RETRY = """mutation($id: ID!) { retryMessage(message: $id) {
  __typename ... on ParkedMessage { id state code } ... on Refused { code message } } }"""


async def drop(small):
    """Drop the oldest parked message, as two people."""
    operator, second = small.at(HUB, "operator"), small.at(HUB, "second-operator")
    [row, *_] = await operator.rows(IDS)
    await operator.ask(DROP, id=row["id"], reason="nonsense")
    dropped = await second.ask(CONFIRM, id=row["id"])
    assert dropped["state"] == "DROPPED"


async def retry(small, number):
    """Have a parked message handled again; return what became of it."""
    return await small.at(HUB, "operator").ask(RETRY, id=number)
