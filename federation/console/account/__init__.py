"""Whoever has signed in: how, and where else."""

from federation.console.account.own import OWN_PAGE

ACCOUNT = (OWN_PAGE,)
