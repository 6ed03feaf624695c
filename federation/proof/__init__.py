"""Whether figures are right, and why: invariants examined, amounts explained, months reported."""
