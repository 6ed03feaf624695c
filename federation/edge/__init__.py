"""What hub and node have in common over HTTP: who asks, routes, bodies, usage, files, health."""
