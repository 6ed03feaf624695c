"""Visits of crawlers at members' sites, served and refused, as the sites count them."""
