"""What was so from when to when, and as known when: versions of things, and the feed of changes."""
