"""Readers of published layers: all of it, or an error that says why not. No Django, no database."""
