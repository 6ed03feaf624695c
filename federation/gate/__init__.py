"""The gate of a member's site: judges each request, lets in who shows a licence, and counts.

It opens no connection: what it goes by lies on the site's disk, and so does what it counted.
"""
