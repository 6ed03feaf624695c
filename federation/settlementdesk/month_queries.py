"""What `federation month` asks a server."""

from federation.desk.client import in_pages

REFUSED = "... on Refused { code message }"
MONEY = "{ minor currency }"
RUN = "runId period state calculatedBy approvedBy reason warnings objectionsUntil corrects postedIn"
RUNS_OF = f"__typename ... on Correction {{ runs {{ {RUN} }} }} {REFUSED}"
MISSING = "__typename ... on MissingReport { period node reason declaredBy confirmedBy }"
ANSWER = "runId node answer reason givenAt settledBy outcome"

PAYMENT = f"""id kind period payer payee payeeName payeeAccount amount {MONEY} state reason
  approvedBy exportedIn dueOn bookedOn"""

CLAIM = "id node url claimId member evidence state filedBy decidedBy decision"

# the month
WORK = "{ workList { kind subject why turn until } }"

CUT_OFF = f"""mutation($period: String!) {{ cutOff(period: $period) {{
  __typename ... on Period {{ period state missingReports }} {REFUSED} }} }}"""

REPORTS = """query($period: String!) { expectedReports(period: $period) {
  node dueOn reminders sequence sha256 receivedAt missing } }"""

REMIND = f"""mutation($period: String!, $node: String!) {{ remind(period: $period, node: $node) {{
  __typename ... on ExpectedReport {{ node dueOn reminders }} {REFUSED} }} }}"""

DECLARE_MISSING = f"""mutation($period: String!, $node: String!, $reason: String!) {{
  declareMissing(period: $period, node: $node, reason: $reason) {{ {MISSING} {REFUSED} }} }}"""

CONFIRM_MISSING = f"""mutation($period: String!, $node: String!) {{
  confirmMissing(period: $period, node: $node) {{ {MISSING} {REFUSED} }} }}"""

RUNS = f"""query($period: String, $first: Int = 100, $after: String) {{
  runs(period: $period, first: $first, after: $after) {in_pages(RUN)} }}"""

CALCULATE = f"""mutation($period: String!) {{ calculateRun(period: $period) {{
  __typename ... on Run {{ {RUN} }} {REFUSED} }} }}"""

DIFFERENCE = f"party old {MONEY} new {MONEY} difference {MONEY}"

DIFF = f"""query($new: String!, $old: String) {{ runDiff(new: $new, old: $old) {{
  shares {{ licence {DIFFERENCE} }} nets {{ {DIFFERENCE} }}
  causes {{ kind name old new oldAmount {MONEY} newAmount {MONEY} }} }} }}"""

ADVISE = f"""mutation($run: String!) {{ adviseRun(runId: $run) {{
  __typename ... on Run {{ {RUN} }} {REFUSED} }} }}"""

APPROVE = f"""mutation($run: String!) {{ approveRun(runId: $run) {{
  __typename ... on Run {{ {RUN} }} {REFUSED} }} }}"""

WITHDRAW = f"""mutation($run: String!, $reason: String!) {{
  withdrawRun(runId: $run, reason: $reason) {{
    __typename ... on Run {{ {RUN} }} {REFUSED} }} }}"""

ANSWERS = f"query($run: String!) {{ runAnswers(runId: $run) {{ {ANSWER} }} }}"

CONCUR = f"""mutation($run: String!) {{ concurWithRun(runId: $run) {{
  __typename ... on RunAnswer {{ {ANSWER} }} {REFUSED} }} }}"""

OBJECT = f"""mutation($run: String!, $reason: String!) {{
  objectToRun(runId: $run, reason: $reason) {{
    __typename ... on RunAnswer {{ {ANSWER} }} {REFUSED} }} }}"""

SETTLE_OBJECTION = f"""mutation($run: String!, $node: String!, $outcome: String!) {{
  settleObjection(runId: $run, node: $node, outcome: $outcome) {{
    __typename ... on RunAnswer {{ {ANSWER} }} {REFUSED} }} }}"""

# corrections
OPEN_CORRECTION = f"""mutation($period: String!) {{ openCorrection(period: $period) {{
  __typename ... on CorrectionRound {{ period number }} {REFUSED} }} }}"""

CORRECTION = f"{{ correction {{ runs {{ {RUN} }} }} }}"
CALCULATE_CORRECTION = f"mutation {{ calculateCorrection {{ {RUNS_OF} }} }}"
ADVISE_CORRECTION = f"mutation {{ adviseCorrection {{ {RUNS_OF} }} }}"
APPROVE_CORRECTION = f"mutation {{ approveCorrection {{ {RUNS_OF} }} }}"

WITHDRAW_CORRECTION = f"""mutation($reason: String!) {{
  withdrawCorrection(reason: $reason) {{ {RUNS_OF} }} }}"""

DEBITS = f"{{ debits {{ node document period amount {MONEY} left {MONEY} }} }}"

# payments
PAYMENTS = f"""query($period: String, $state: PaymentState, $after: String) {{
  payments(period: $period, state: $state, after: $after) {in_pages(PAYMENT)} }}"""

EVENTS = "query($id: ID!) { paymentEvents(id: $id) { state at who reason reference } }"

APPROVE_PAYMENTS = f"""mutation($ids: [ID!]!) {{ approvePayments(ids: $ids) {{
  __typename ... on Payments {{ payments {{ {PAYMENT} }} }} {REFUSED} }} }}"""

FILE = "number batch part sha256 payments text"

EXPORT = f"""mutation($currency: String!, $on: Date!) {{
  exportPayments(currency: $currency, valueOn: $on) {{
    __typename ... on PaymentFile {{ {FILE} remaining files }} {REFUSED} }} }}"""

FILE_OF_BATCH = f"query($number: String!) {{ paymentFile(number: $number) {{ {FILE} }} }}"

CANCEL = f"""mutation($id: ID!, $reason: String!) {{ cancelPayment(id: $id, reason: $reason) {{
  __typename ... on Payment {{ {PAYMENT} }} {REFUSED} }} }}"""

AGAIN = f"""mutation($id: ID!) {{ proposePaymentAgain(id: $id) {{
  __typename ... on Payment {{ {PAYMENT} }} {REFUSED} }} }}"""

NAME_ACCOUNT = f"""mutation($id: ID!, $name: String!, $account: AccountInput!) {{
  namePayeeAccount(id: $id, name: $name, account: $account) {{
    __typename ... on Payment {{ {PAYMENT} }} {REFUSED} }} }}"""

EXCLUSION = "__typename ... on Exclusion { period node reason proposedBy confirmedBy }"

EXCLUDE = f"""mutation($period: String!, $node: String!, $reason: String!) {{
  excludeDebtor(period: $period, node: $node, reason: $reason) {{ {EXCLUSION} {REFUSED} }} }}"""

CONFIRM_EXCLUSION = f"""mutation($period: String!, $node: String!) {{
  confirmExclusion(period: $period, node: $node) {{ {EXCLUSION} {REFUSED} }} }}"""

PROPOSE_MEMBERS = f"""mutation($period: String!) {{ proposeMemberPayments(period: $period) {{
  __typename ... on ProposedPayments {{ proposed outstanding remaining }} {REFUSED} }} }}"""

# held money
HELD = f"reason owner amount {MONEY} since period licence url clocks {{ name on source }}"

SUSPENSE = f"query($after: String) {{ suspense(after: $after) {in_pages(HELD)} }}"

LISTED = "id period holder reason url amountBand heldSince"

HELD_LIST = f"""query($period: String, $after: String) {{
  heldList(period: $period, after: $after) {in_pages(LISTED)} }}"""

THERE = f"id period holder licence reason url amount {MONEY} left {MONEY} isStated"

HELD_ELSEWHERE = f"""query($period: String, $after: String) {{
  heldElsewhere(period: $period, after: $after) {in_pages(THERE)} }}"""

HELD_CLAIMS = f"""query($state: HeldClaimState, $after: String) {{
  heldClaims(state: $state, after: $after) {in_pages(CLAIM)} }}"""

CLAIM_HELD = f"""mutation($url: String!, $evidence: String!, $member: String, $work: String) {{
  claimHeldItem(url: $url, evidence: $evidence, member: $member, claimId: $work) {{
    __typename ... on HeldClaim {{ {CLAIM} }} {REFUSED} }} }}"""

DECIDE = f"""mutation($claim: ID!, $accept: Boolean!, $reason: String!) {{
  decideHeldClaim(claim: $claim, accept: $accept, reason: $reason) {{
    __typename ... on HeldClaim {{ {CLAIM} }} {REFUSED} }} }}"""

# documents
DOCUMENT = "number series period subject issuedOn forms size sha256"

DOCUMENTS = f"""query($series: DocumentSeries, $period: String, $after: String) {{
  documents(series: $series, period: $period, after: $after) {in_pages(DOCUMENT)} }}"""

WHY = f"""query($number: String, $payment: String, $period: String, $member: String,
    $licence: String, $party: String) {{
  whyAmount(number: $number, payment: $payment, period: $period, member: $member,
      licence: $licence, party: $party) {{
    path isLeaf label amount {MONEY} rule refs {{ name value }} }} }}"""
