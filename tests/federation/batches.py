"""What is asked of a server to mint many tokens at once."""

MINT = """mutation($licence: String!, $sites: [[String!]!]!, $uses: [String!]) {
  mintTokens(licence: $licence, sites: $sites, uses: $uses) {
    ... on LicenceTokens { tokens expiresIn refused { place code message } }
    ... on Refused { code message } } }"""
