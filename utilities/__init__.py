"""WHO publishes WHAT, WHERE: ISOs, utilities and their sources, described by facts in `catalog/<code>.yaml`.

`spec.py` is the closed schema of those files, `sync.py` writes them to the models. Nothing here fetches anything.
"""
