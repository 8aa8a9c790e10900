"""A failing and a passing case for each check."""
