"""GraphQL: one module per domain, composed in `hub` and `node`; guard rails and scalars."""
