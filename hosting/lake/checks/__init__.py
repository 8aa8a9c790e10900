"""The data-quality checks: each a small named function, with its id, severity and words in `registry`.

Rules on rows and feeders (completeness, values, dates) are conditions that one pass over a run counts
(`profile`); those on a whole refresh (change) and on DER read what it counted. `mapping` looks at the catalog
entry beside the layer's description, `shapes` at geometry, `fetching` at why nothing came. `score` makes one
number of what was found. What is done about a severity is decided elsewhere (hosting/steps.py).
"""
