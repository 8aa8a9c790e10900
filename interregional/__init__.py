"""New York's ties to its neighbours, every five minutes: what NYISO's report P-32 says of interfaces and
limits.

Start reading at `ingest.py`. `roster.py` holds the facts about interfaces, `nyiso.py` reads a file (with
`clock.py` for its clock without a zone, and `archive.py` for zips), `publishers.py` asks whoever has it,
`store.py` writes, `checks.py` looks at what was written, `meaning.py` says what a flow means. `api/`,
`views/` and `admin/` show it. Nothing here knows of hosting capacity.
"""
