"""A month in which two members of one collective claim the same, and what is asked about it."""

from tests.federation.correcting import publish_rates
from tests.federation.harness import DAY, PERIOD, a_line, month_over, report_lines
from tests.federation.holding import LATER

CONFLICTS = """{ conflicts(first: 10) { pageInfo { hasNextPage } edges { node {
  id claim foundAt dispute days { startsOn endsOn } sides { party claim countsFrom } } } } }"""
SHOWN = """__typename ... on Refused { code message } ... on Dispute {
  id claim state outcome agreed proposed decidedBy
  sides { party dueOn isDocumented agrees documents { kind reference } }
  money { period licence url held { minor currency } left { minor } }
  released { member amount { minor } document } }"""


def _acting(head, act):
    return f"mutation({head}) {{ {act} {{ {SHOWN} }} }}"


OPEN = _acting("$id: ID!", 'openDispute(conflict: $id, reason: "both wrote to us")')
ASK = _acting("$id: ID!", 'askForDocuments(dispute: $id, reason: "letters sent")')
NOTICE = _acting("$id: ID!", 'giveDisputeNotice(dispute: $id, reason: "60 days")')
BRING = _acting(
    "$id: ID!, $party: String!, $paper: DisputeDocumentInput!",
    "bringDisputeDocument(dispute: $id, party: $party, document: $paper)",
)
PROPOSE = _acting(
    "$id: ID!, $outcome: DisputeOutcomeInput!",
    'proposeDisputeOutcome(dispute: $id, outcome: $outcome, reason: "as they wrote")',
)
CONSENT = _acting(
    "$id: ID!, $party: String!",
    'consentToOutcome(dispute: $id, party: $party, reference: "letter of 3 May")',
)
CONFIRM = _acting("$id: ID!", 'confirmDisputeOutcome(dispute: $id, reason: "seen")')
RELEASE = _acting("$id: ID!", 'releaseDisputed(dispute: $id, reason: "again")')
FIELDS = SHOWN.partition("... on Dispute {")[2].removesuffix("}")
DISPUTES = f"{{ disputes(first: 10) {{ edges {{ node {{ {FIELDS} }} }} }} }}"
SUSPENSE = """{ suspense(reason: DISPUTED) { edges { node {
  url licence period ref amount { minor currency } } } } }"""
WORK_LIST = "{ workList { kind subject why turn until } }"

PAPER = {
    "kind": "CONTRACT",
    "reference": "folder 12",
    "sha256": "ab" * 32,
    "termFrom": "2024-01-01",
    "territory": "DE AT",
    "signedOn": "2023-12-01",
}


async def dispute_within(small):
    """Settle a month with pages that two members of DE claim, in licences of HUB and DE."""
    story = small.story()
    small.set_clock(DAY)
    await report_lines(
        small.at("DE", "sites"),
        [
            a_line("s-1", "HUB-000001", "https://news.example/de/1", units=5_000),
            a_line("s-2", "HUB-000001", "https://twins.example/a", units=1_700),
            a_line("s-3", "HUB-000001", "https://twins.example/b/1", units=901),
        ],
    )
    await report_lines(
        small.lab("lab-one"),
        [
            a_line("l-1", "DE-000001", "https://news.example/de/1", units=3_000),
            a_line("l-2", "DE-000001", "https://twins.example/a", units=777),
        ],
    )
    month_over(small)
    await publish_rates(small)
    await story.settle(PERIOD)
    await small.silence()
    small.set_clock(LATER)


def held_of(shown):
    """Return {(licence, address): (held, left)} of a dispute, both parts of a node's money."""
    found = {}
    for row in shown["money"]:
        key = (row["licence"], row["url"])
        held, left = found.get(key, (0, 0))
        found[key] = (held + int(row["held"]["minor"]), left + int(row["left"]["minor"]))
    return found


def released_to(shown):
    """Return {member: minor units} that a dispute released."""
    found = {}
    for row in shown["released"]:
        found[row["member"]] = found.get(row["member"], 0) + int(row["amount"]["minor"])
    return found
