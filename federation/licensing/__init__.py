"""Tariffs, offers, licences, their registration at nodes, and what was received for them."""
