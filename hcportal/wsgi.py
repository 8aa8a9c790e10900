"""The web server's door into the project."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
# A page is the work of one process of PostgreSQL: it takes shapes for so costly that it starts another, 40 ms
# for 1 ms of work.
os.environ.setdefault("PGOPTIONS", "-c max_parallel_workers_per_gather=0")
application = get_wsgi_application()
