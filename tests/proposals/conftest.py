"""A node with two members and the hub that has its claim index, on every database."""

from tests.registry.conftest import hub, node

__all__ = ["hub", "node"]  # fixtures
