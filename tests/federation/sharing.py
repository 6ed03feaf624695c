"""Records of shares at collectives, made by two people."""

PLACE = "news.example/de/1$"
RECORD = """mutation($subject: String!, $bps: Int!, $use: String!, $right: EntrustedRight!,
    $territories: [String!]!, $from: DateTime!, $to: DateTime) {
  recordConsent(reason: "their contract", record: {subject: $subject, state: OPTED_IN, use: $use,
    right: $right, territories: $territories, shareBps: $bps, effectiveAt: $from, endsAt: $to,
    declaredBy: "the publisher"}) {
    __typename ... on Proposal { id } ... on Refused { code message } } }"""
CONFIRM_PROPOSAL = """mutation($id: ID!) { confirmProposal(id: $id) {
    __typename ... on RegistryDone { consentRecords } ... on Refused { code message } } }"""
START = "2026-01-01T00:00:00Z"


async def done_by_two(small, code, document, **given):
    """Let one registry officer propose and another confirm; return the records that came."""
    proposed = await small.at(code, "registry").ask(document, **given)
    assert proposed["__typename"] == "Proposal", proposed
    other = small.at(code, "second-registry", "registry_officer")
    done = await other.ask(CONFIRM_PROPOSAL, id=proposed["id"])
    await small.silence()
    return done["consentRecords"]


async def says(small, code, bps, subject=PLACE, **other):
    """Record a share at a collective; return the record."""
    given = {"use": "*", "right": "ALL", "territories": [], "from": START, "to": None} | other
    [number] = await done_by_two(small, code, RECORD, subject=subject, bps=bps, **given)
    return number
