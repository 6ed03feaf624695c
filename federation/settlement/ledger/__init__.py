"""The journal as evidence: chained entries, heads of periods, balances as of any past instant."""
