"""WHO publishes WHAT, WHERE: ISOs, utilities and their sources, described by facts in `catalog/`.

`spec.py` is the closed schema of those YAML files, `sync.py` writes them to the models. Nothing here fetches.
"""
