"""May a work be put to a use at an instant: one decision, for servers and for sites."""
