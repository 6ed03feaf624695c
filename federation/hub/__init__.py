"""The hub: the federation's counter and clearing house, composed from the domain packages."""
