"""The web server's door into the project."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
application = get_wsgi_application()
