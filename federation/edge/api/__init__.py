"""The HTTP interface beside GraphQL, described as OpenAPI 3.1 from `operations.toml`."""
