"""By which rules of a source a path is reserved: each list alone, as SETTLEMENT has it."""

from federation.published.rules import EVERY_USE


def reserving(reading, path, use):
    """Return the rules by which a normalised path is reserved for a use; [] if it is not."""
    lists = [each for each in reading.lists if use in each.uses or EVERY_USE in each.uses]
    winners = [each.winner(path) for each in lists]
    return [rule for rule in winners if rule is not None and not rule.allow]
