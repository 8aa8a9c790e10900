"""What the web server's processes tell PostgreSQL."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT, Portal

ASK = """
import hcportal.wsgi
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW max_parallel_workers_per_gather")
    print(cursor.fetchone()[0])
"""


@pytest.mark.django_db(transaction=True)
def test_a_page_starts_no_further_process_of_the_database(portal: Portal) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=portal.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == "0"
