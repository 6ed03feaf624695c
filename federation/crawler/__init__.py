"""What a lab's crawler needs: licence tokens that are fresh, requests that are signed.

It needs no server, no database and no framework; it imports signing, and how a client shows who it
is. Which HTTP client sends the requests is the lab's own choice.
"""
