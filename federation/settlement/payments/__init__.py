"""Money out and in: payments from proposal to the bank's word, and what is waited for."""
