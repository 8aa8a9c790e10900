"""The project: settings, addresses, the timetable, one polite HTTP client, named errors, private services."""
