"""The GraphQL documents a scenario run uses: the same that staff, labs and auditors would."""

INVITE = """mutation($note: String!) { inviteCollective(note: $note) {
  __typename ... on NewInvitation { code } ... on Refused { code message } } }"""
APPLY = """mutation($invitation: String!) {
  applyForAdmission(invitation: $invitation) { __typename ... on Refused { code message } } }"""
OWN_APPLICATION = "{ ownApplication { state reason } }"
MORE = "pageInfo { hasNextPage endCursor }"
APPLICATIONS = f"""query($after: String) {{
  applications(after: $after) {{ edges {{ node {{ id code state }} }} {MORE} }} }}"""
RECOMMEND = """mutation($id: ID!) {
  recommendAdmission(application: $id) { __typename ... on Refused { code message } } }"""
APPROVE = """mutation($id: ID!) {
  approveAdmission(application: $id) { __typename ... on Refused { code message } } }"""
DELIVERIES = "{ deliveries { target waiting } }"
PARKED = """{ parkedMessages(first: 10) {
  edges { node { id sender stream kind code reason } } } }"""
LICENSEE = """mutation($id: String!, $name: String!) {
  registerLicensee(id: $id, name: $name) { __typename ... on Refused { code message } } }"""
OFFER = """mutation($input: OfferInput!, $key: String!) {
  offerLicence(input: $input, key: $key) {
    __typename ... on Offer { id } ... on Refused { code message } } }"""
ACCEPT = """mutation($offer: ID!, $key: String!) {
  acceptOffer(offer: $offer, key: $key) {
    __typename ... on Licence { number } ... on Refused { code message } } }"""
LICENCE = "query($number: String!) { licence(number: $number) { registrations { node state } } }"
RECEIPT = """mutation($licence: String!, $on: Date!, $amount: BigInt!, $key: String!) {
  recordReceipt(licence: $licence, receivedOn: $on, amount: $amount, key: $key) {
    __typename ... on Refused { code message } } }"""
CUT_OFF = """mutation($period: String!) {
  cutOff(period: $period) { __typename ... on Refused { code message } } }"""
PERIOD = "query($period: String!) { period(period: $period) { state missingReports } }"
CALCULATE = """mutation($period: String!) {
  calculateRun(period: $period) {
    __typename ... on Run { runId state } ... on Refused { code message } } }"""
ADVISE = """mutation($run: String!) {
  adviseRun(runId: $run) { __typename ... on Refused { code message } } }"""
APPROVE_RUN = """mutation($run: String!) {
  approveRun(runId: $run) { __typename ... on Refused { code message } } }"""
DISTRIBUTION = "query($period: String!) { distribution(period: $period) { runId } }"
PAYMENTS = f"""query($period: String!, $state: PaymentState!, $after: String) {{
  payments(period: $period, state: $state, after: $after) {{
    edges {{ node {{ id exportedIn amount {{ currency }} }} }} {MORE} }} }}"""
APPROVED_MAX = 1_000
APPROVE_PAYMENTS = """mutation($ids: [ID!]!) {
  approvePayments(ids: $ids) { __typename ... on Refused { code message } } }"""
EXPORT = """mutation($currency: String!, $on: Date!) {
  exportPayments(currency: $currency, valueOn: $on) {
    __typename ... on Refused { code message } } }"""
INCOMING = """query($period: String!) {
  incomingRemittances(period: $period) { id state amount { minor currency } } }"""
OPEN_ACCOUNT = """mutation($account: String!, $scheme: AccountScheme!, $currency: String!) {
  openBankAccount(account: $account, scheme: $scheme, currency: $currency, name: "Main") {
    __typename ... on Refused { code message } } }"""
