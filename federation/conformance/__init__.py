"""Judges rule by rule whether the federation can work with a server that claims to be a node.

It plays the hub towards it, on a trial, and asks over HTTP; it knows no room of the servers.
"""
