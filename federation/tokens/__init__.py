"""Licence tokens: may one be minted, for many sites at once, by the terms of a member (RSL)."""
