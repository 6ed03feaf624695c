"""The GraphQL documents that the demo asks beside those of a scenario run."""

APPLICATIONS = """{
  applications(first: 100) { edges { node {
    code name settlementCurrency state recommendedBy decidedBy } } } }"""
PUBLISH_TARIFF = """mutation($input: TariffInput!) {
  publishTariff(input: $input) {
    __typename
    ... on Tariff { version prices { use contentTier per1000 { minor currency } } }
    ... on Refused { code message } } }"""
QUOTE = """mutation($input: QuoteInput!) {
  requestQuote(input: $input) {
    __typename
    ... on Offer {
      id state tariffVersion fee { minor currency }
      lines { node use contentTier units per1000 { minor currency } amount { minor currency } }
      notCovered { node use contentTier reason } }
    ... on Refused { code message } } }"""
ISSUE_CLIENT = """mutation($kind: ClientKind!, $party: String!, $name: String!, $key: String!) {
  issueClient(kind: $kind, party: $party, name: $name, key: $key) {
    __typename
    ... on GivenCredential { secret client { id } }
    ... on Refused { code message } } }"""
SUSPEND = """mutation($number: String!, $reason: String!) {
  suspendLicence(number: $number, reason: $reason) {
    __typename ... on Licence { status } ... on Refused { code message } } }"""
REINSTATE = """mutation($number: String!, $reason: String!) {
  reinstateLicence(number: $number, reason: $reason) {
    __typename ... on Licence { status } ... on Refused { code message } } }"""
RECEIPT = """mutation($licence: String!, $on: Date!, $amount: BigInt!, $key: String!) {
  recordReceipt(licence: $licence, receivedOn: $on, amount: $amount, key: $key) {
    __typename
    ... on Receipt { licence receivedOn amount { minor currency } }
    ... on Refused { code message } } }"""
RUNS = """query($period: String!) {
  runs(period: $period) { edges { node {
    runId state calculatedBy approvedBy warnings document } } } }"""
STATEMENT = """query($period: String!) {
  memberStatement(period: $period) { ... on MemberStatement {
    member attributed { minor currency } payable { minor } outstanding { minor } reason
    lines { licence use units source amount { minor } } } } }"""
