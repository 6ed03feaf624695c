"""Money held for a reason: who owns it, since when, which clocks run, how it is released."""
