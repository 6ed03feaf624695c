"""Held money: why, since when, until when by law, who claims it, and its release."""
