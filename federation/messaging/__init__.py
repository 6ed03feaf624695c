"""What this server says to others and hears of them: inbox, relay, calls, pulls, webhooks."""
