"""Disputes over claims: documents asked of both sides, clocks, an outcome, the release of money."""
