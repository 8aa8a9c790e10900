"""What the APIs of all apps have in common.

`parameters.py` refuses what an endpoint does not know, `numbers.py` reads numbers strictly, `problems.py` has
every error as RFC 9457 `application/problem+json`, `versions.py` spares a client what it has already,
`schema.py` describes endpoints (OpenAPI) from the very serializers that refuse and answer, `shapes.py` has
what those share.
"""
