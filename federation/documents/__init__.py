"""Numbered documents, issued once and sent byte for byte: invoices, statements, advices."""
