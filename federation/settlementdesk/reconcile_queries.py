"""What `federation reconcile` asks a server."""

from federation.desk.client import in_pages
from federation.settlementdesk.month_queries import PAYMENT

MATCH = "id entryId number act reason actedBy actedAt items { kind ref amount note }"

ENTRY_FIELDS = """id kind status state reference amount { minor currency } direction signed
  bookedOn valueOn text charges { minor currency }
  details { amount { minor currency } direction endToEndId references counterpartyName
    counterpartyAccount otherNames remittance returnReason }"""

REFUSED = "... on Refused { code message }"

OPEN_ACCOUNT = f"""mutation($account: String!, $currency: String!, $name: String!,
    $scheme: AccountScheme!) {{
  openBankAccount(account: $account, currency: $currency, name: $name, scheme: $scheme) {{
    __typename ... on BankAccount {{ id account scheme currency name }} {REFUSED} }} }}"""

ACCOUNTS = "{ bankAccounts { id account currency } }"

WITHDRAW_ACCOUNT = f"""mutation($id: ID!) {{ withdrawBankAccount(id: $id) {{
  __typename ... on BankAccount {{ id account scheme currency name }} {REFUSED} }} }}"""

WITHDRAW = f"""mutation($file: String!, $reason: String!) {{
  withdrawBankFile(file: $file, reason: $reason) {{
    __typename ... on BankWithdrawal {{ file reason withdrawnBy withdrawnAt statements entries }}
    {REFUSED} }} }}"""

QUEUED = f"""entry {{ {ENTRY_FIELDS} }}
  suggestions {{ entries items {{ kind ref amount note }} difference score reasons isExact }}
  proposal {{ {MATCH} }}"""

QUEUE = f"""query($first: Int!, $entry: ID, $after: String) {{
  bankQueue(first: $first, entry: $entry, after: $after) {in_pages(QUEUED)} }}"""

ENTRY = f"query($id: ID!) {{ bankEntry(id: $id) {{ {ENTRY_FIELDS} }} }}"

CONFIRM = f"""mutation($entries: [ID!]!, $items: [BankItemInput!]!) {{
  confirmMatch(entries: $entries, items: $items) {{
    __typename ... on BankMatches {{ matches {{ {MATCH} }} }} {REFUSED} }} }}"""

SETTLE = f"""mutation($entry: ID!, $items: [BankItemInput!]!, $reason: String!) {{
  settleWithItems(entry: $entry, items: $items, reason: $reason) {{
    __typename ... on BankMatch {{ {MATCH} }} {REFUSED} }} }}"""

APPROVE = f"""mutation($entry: ID!, $proposal: Int) {{
  approveSettlement(entry: $entry, proposal: $proposal) {{
  __typename ... on BankMatch {{ {MATCH} }} {REFUSED} }} }}"""

UNDO = f"""mutation($entry: ID!, $reason: String!) {{
  undoSettlement(entry: $entry, reason: $reason) {{
    __typename ... on BankMatch {{ {MATCH} }} {REFUSED} }} }}"""

MONEY = "{ minor currency }"

REPORT = f"""{{ reconciliationReport {{ account {{ id account currency name }} statements
  opening {MONEY} credits {MONEY} debits {MONEY} closing {MONEY} settled {MONEY}
  inSuspense {MONEY} entriesInSuspense inBooks {MONEY} atBanks {MONEY} difference {MONEY}
  addsUp byKind {{ kind amount {MONEY} }} }} }}"""

# overpayments
OVERPAID = f"id kind ref party received {MONEY} left {MONEY}"
OVERPAYMENTS = f"query($after: String) {{ overpayments(after: $after) {in_pages(OVERPAID)} }}"

OF_SET_OFF = f"""id overpayment kind ref amount {MONEY} reason state proposedBy decidedBy decidedAt
  undoReason undoProposedBy undoneBy undoneAt"""
SET_OFFS = f"query($after: String) {{ setOffs(after: $after) {in_pages(OF_SET_OFF)} }}"

REFUND = f"""mutation($id: ID!) {{ refundOverpayment(id: $id) {{
  __typename ... on Payment {{ {PAYMENT} }} {REFUSED} }} }}"""

SET_OFF = f"""mutation($id: ID!, $kind: SetOffKind!, $ref: String!, $reason: String!) {{
  setOffOverpayment(id: $id, kind: $kind, ref: $ref, reason: $reason) {{
    __typename ... on OverpaymentSetOff {{ {OF_SET_OFF} }} {REFUSED} }} }}"""

UNDO_SET_OFF = f"""mutation($id: ID!, $reason: String!) {{ undoSetOff(id: $id, reason: $reason) {{
  __typename ... on OverpaymentSetOff {{ {OF_SET_OFF} }} {REFUSED} }} }}"""

CONFIRM_UNDO_SET_OFF = f"""mutation($id: ID!) {{ confirmUndoSetOff(id: $id) {{
  __typename ... on OverpaymentSetOff {{ {OF_SET_OFF} }} {REFUSED} }} }}"""

APPROVE_SET_OFF = f"""mutation($id: ID!) {{ approveSetOff(id: $id) {{
  __typename ... on OverpaymentSetOff {{ {OF_SET_OFF} }} {REFUSED} }} }}"""

WITHDRAW_SET_OFF = f"""mutation($id: ID!) {{ withdrawSetOff(id: $id) {{
  __typename ... on OverpaymentSetOff {{ {OF_SET_OFF} }} {REFUSED} }} }}"""
