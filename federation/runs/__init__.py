"""The hub's month: reports awaited, runs calculated, approved, corrected."""
