"""Synthetic utilities as large as the portal is meant for, put straight into PostgreSQL for measurements.

`plan` says which utilities there are, `draw` lays their feeders out, `figures` gives each section its
capacity, `rows` writes both down as the change set of a publication, and `store` publishes that with the SQL
of real ones. The same seed gives the same rows. Nothing here is taken from a real utility, and the lake knows
nothing of it: `hosting/demo` is what goes through the pipeline.
"""
