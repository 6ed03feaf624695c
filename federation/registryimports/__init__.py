"""Imports of registry files: taken batch by batch, with a verdict for each row."""
