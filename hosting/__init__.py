"""From a publisher's layer to our feeders.

`sources/` gets all of a layer or raises; `lake/` turns it into our words and units and says what changed;
`publish.py` makes that what people read; `pipeline.py` strings them together: start reading there.
"""
