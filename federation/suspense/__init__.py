"""Held money: why, since when, until when by law; its list, and what a release comes to."""
