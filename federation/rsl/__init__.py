"""RSL 1.0, pure: terms of use that machines read, written, read from strangers, and judged."""
