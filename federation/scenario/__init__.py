"""A federation on disk, driven over HTTP through the APIs real users have (SCENARIO)."""
