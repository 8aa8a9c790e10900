"""Readers of published layers: all of it, or an error that says why not. No Django, no database.

`arcgis` is the door: `open_layer` and `fetch`. Behind it `layer` says what a server publishes, `plan` which
rows there are, `pages` and `offsets` bring them, `rows` and `esri` turn them into text and WKB, `service`
asks one question. `unfinished` keeps what a broken fetch had; `moving` and `candidates` find a service whose
name moves; `discovery`, `guesses` and `proposal` draft an entry for one that nobody knows. `recorded` answers
like a server from a folder; `export` writes a layer to a file.
"""
