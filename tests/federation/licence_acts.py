"""What is asked of servers to list, suspend and reinstate licences."""

LICENCES = "{ licences { edges { node { number version status } } } }"


STATUS = """mutation($number: String!) {
  %sLicence(number: $number, reason: "audit") {
    __typename ... on Licence { status version } ... on Refused { code message } } }"""


SUSPEND, REINSTATE, REVOKE = (STATUS % verb for verb in ("suspend", "reinstate", "revoke"))
