"""Imports of files of works and rightholders: batch by batch, with a verdict for each row."""
