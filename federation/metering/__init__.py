"""Usage lines, their classes, the way to their owner, and the reports of a month."""
