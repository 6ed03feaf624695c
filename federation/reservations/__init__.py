"""The register of published reservations: each file as it was, its rules, and what waits to end."""
