"""The API under /api/v1/: what programs read.

`parameters.py` refuses what an endpoint does not know, `paging.py` hands out lists by keyset, `problems.py`
words every error as RFC 9457 `application/problem+json`, `access.py` knows which sources' rows may leave,
`versions.py` spares a client what it has already, `places.py` reads boxes and points; other modules are the
endpoints, one subject each.
"""
