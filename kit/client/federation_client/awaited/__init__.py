"""The client for programs with an event loop; `blocking` is written from it."""
