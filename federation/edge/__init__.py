"""What hub and node have in common on the wire: who asks, inbox, relay, usage, files, health."""
