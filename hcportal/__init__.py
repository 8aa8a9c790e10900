"""The project: settings, addresses, Celery application, one polite HTTP client, named errors, services."""
