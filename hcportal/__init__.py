"""The project: settings, addresses, the Celery application, one polite HTTP client, named errors, services."""
