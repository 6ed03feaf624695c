"""The client for programs without an event loop; `blocking` is written from it."""

# Written from `awaited` by `make client`, not by hand.
