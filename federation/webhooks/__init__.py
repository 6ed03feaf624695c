"""Events told to labs, members and staff over HTTP: who is told what, signed, tried for days."""
