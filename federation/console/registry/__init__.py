"""What a collective's registry officers look after at their node."""

from federation.console.registry.proposals import PROPOSALS_PAGE

REGISTRY = (PROPOSALS_PAGE,)
