"""What is asked of the hub about a report that is missing."""

DECLARE = """mutation($period: String!, $node: String!, $reason: String!) {
  declareMissing(period: $period, node: $node, reason: $reason) {
    __typename ... on MissingReport { declaredBy confirmedBy }
    ... on Refused { code message } } }"""


CONFIRM = """mutation($period: String!, $node: String!) {
  confirmMissing(period: $period, node: $node) {
    __typename ... on MissingReport { declaredBy confirmedBy }
    ... on Refused { code message } } }"""


WORK = "{ workList { kind subject why turn until } }"
