"""A node with two members, for events of its registry."""

from tests.registry.conftest import node

__all__ = ["node"]  # a fixture
