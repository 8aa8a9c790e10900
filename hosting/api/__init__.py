"""The API under /api/v1/: what programs read.

`parameters.py` refuses what an endpoint does not know, `paging.py` hands out lists by keyset, `problems.py`
words every error as RFC 9457 `application/problem+json`; other modules are the endpoints, one subject each.
"""
