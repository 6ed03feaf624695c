"""Who succeeds members and rightholders that died or closed: since when, with which shares."""
