"""The page: `page.py` answers, `figures.py` words what is now, `drawing.py` places it on New York,
`series.py` has the past."""
