"""Payments from proposal to the bank's word, and the net without a debtor that does not pay."""
