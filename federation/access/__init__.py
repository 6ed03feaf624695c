"""How a program elsewhere, a site's gate or a lab's crawler, shows a server who it is.

It needs no server and no database: sites and labs install it.
"""
