"""Usage out of access logs, for a member's site whose web server cannot run the gate."""
