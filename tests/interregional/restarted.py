"""Pull while PostgreSQL is stopped in the middle, and again after it runs once more; on servers of its own.

python -m hcportal.services run python -m tests.interregional.restarted
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import DatabaseError, InterfaceError

    from interregional.ingest import about_to_commit, pull_current
    from interregional.models import FlowRun, FlowSource, InterfaceFlow
    from tests.interregional.publisher import body, publisher
    from tests.interregional.test_faults import latest, mark

    call_command("migrate", verbosity=0)
    with publisher() as served:
        served.answers["/current.csv"] = body(latest(mark()))
        FlowSource.objects.filter(code="P-32-CURRENT").update(url_templates=[f"{served.url}/current.csv"])

        def stop(**_sent: Any) -> None:
            stop_postgres()

        def refused() -> bool:
            try:
                pull_current()
            except (DatabaseError, InterfaceError):
                return True
            return False

        about_to_commit.connect(stop)
        assert refused(), "a run outlived its database"
        about_to_commit.disconnect(stop)
        assert refused(), "a run began without a database"
        server = start_postgres()
        try:
            assert not InterfaceFlow.objects.exists()
            assert pull_current().status == "completed"
            assert InterfaceFlow.objects.count() == 2
            runs = list(FlowRun.objects.order_by("id").values_list("status", "error"))
            assert [status for status, _ in runs] == ["failed", "completed"], runs
            assert "Its process ended" in runs[0][1], runs
            sys.stdout.write("the poll after the restart was right\n")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def postmaster() -> int:
    from hcportal.services.postgres import data_dir

    return int((data_dir() / "postmaster.pid").read_text().split()[0])


def stop_postgres() -> None:
    """As a restart does: open transactions are rolled back, nobody is waited for."""
    pid = postmaster()
    os.kill(pid, signal.SIGINT)
    for _ in range(300):
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.1)
    raise AssertionError("PostgreSQL did not stop")


def start_postgres() -> "subprocess.Popen[bytes]":
    """The same cluster, ready for connections."""
    from django.db import OperationalError, connection

    from hcportal.services.postgres import program

    found = program()
    account = found.account
    server = subprocess.Popen(
        found.command,
        cwd=found.folder,
        env=found.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    for _ in range(300):
        try:
            connection.close()
            connection.ensure_connection()
        except OperationalError:
            time.sleep(0.1)
        else:
            return server
    server.kill()
    raise AssertionError("PostgreSQL did not start again")


if __name__ == "__main__":
    main()
