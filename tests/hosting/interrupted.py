"""Run the ingest command in this process and kill it, without a chance to clean up.

python -m tests.hosting.interrupted WHEN UTILITY [FOLDER]

WHEN is a step, at whose end it is killed (`SOURCE:step` for that of one source); or seconds from the start.
"""

import os
import signal
import sys
import threading
from typing import Any

import django


def main(when: str, utility: str, folder: str = "") -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    from django.core.management import call_command

    from hosting.recording import step_ended

    source, _, step = when.rpartition(":")

    def kill(**sent: Any) -> None:
        if sent["step"] == step and source in ("", sent["run"].source.code):
            os.kill(os.getpid(), signal.SIGKILL)

    if when.replace(".", "").isdigit():
        timer = threading.Timer(float(when), os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
    else:
        step_ended.connect(kill)
    options = ["--data-dir", folder] if folder else []
    call_command("ingest_hosting_capacity", "--utility", utility, *options)


if __name__ == "__main__":
    main(*sys.argv[1:])
