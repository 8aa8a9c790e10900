"""The API under /api/v1/: what programs read.

What the APIs of all apps share is in hcportal/api/: strict parameters, errors, ETags, their description. Here
`paging.py` hands out lists by keyset, `access.py` knows which sources' rows may leave, `places.py` reads
boxes and points; other modules are the endpoints, one subject each.
"""
