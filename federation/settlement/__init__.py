"""Shares, fees, clearing, distribution, books and files: the rules of SETTLEMENT, exactly."""
