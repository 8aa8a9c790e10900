#!/usr/bin/env python
"""Django's command line. `bin/manage` calls it with the services running; see README.md."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
