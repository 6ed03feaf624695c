"""What is asked of servers to object to a run, to give in and to settle it."""

CONCUR = """mutation($run: String!) { concurWithRun(runId: $run) {
  __typename ... on RunAnswer { node answer } ... on Refused { code message } } }"""


OBJECT = """mutation($run: String!, $reason: String!) { objectToRun(runId: $run, reason: $reason) {
  __typename ... on RunAnswer { node answer reason } ... on Refused { code message } } }"""


SETTLE = """mutation($run: String!) {
  settleObjection(runId: $run, node: "FR", outcome: "as agreed") {
  __typename ... on RunAnswer { settledBy outcome } ... on Refused { code message } } }"""


DIFF = """query($new: String!, $old: String) { runDiff(new: $new, old: $old) {
  shares { licence party difference { minor } }
  causes { kind name old new oldAmount { minor currency } newAmount { minor } } } }"""
