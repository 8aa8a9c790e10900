"""Vector tiles of what readers may see: cells from afar, then feeders, then their sections; and substations.

`layers` says what there is and how it is read, `grid` keeps the cells of the overview, `published` says which
sources an answer is made of, and `tile`, `tilejson` and `counts` are the addresses. docs/tiles.md describes
them; docs/decisions/008-tiles.md says why it is done this way.
"""
