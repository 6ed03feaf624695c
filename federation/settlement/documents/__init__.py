"""Numbered documents: gap-free series per issuer, kept byte for byte."""
