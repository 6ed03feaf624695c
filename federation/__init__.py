"""One worldwide AI licence, honoured by every national collective, every cent accounted for."""

__version__ = "0.1.0"
