"""A node that the hub has admitted, for sources whose rulings are told."""

from tests.registry.conftest import node

__all__ = ["node"]  # fixtures
