"""How people sign in: passwords, accounts at a provider, invitations, sessions."""
