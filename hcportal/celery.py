"""Background work: the Celery application. The timetable itself is data: see hosting/timetable.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
app = Celery("hcportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
