"""Approve a run in this process and kill it, without a chance to clean up, as the named step ends.

python -m tests.hosting.interrupted_approval STEP RUN NAME
"""

import os
import signal
import sys
from typing import Any

import django


def main(step: str, run: str, name: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    from django.core.management import call_command

    from hosting.recording import step_ended

    def kill(**sent: Any) -> None:
        if sent["step"] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    step_ended.connect(kill)
    call_command("decide_run", run, "approve", note="yes", user=name)


if __name__ == "__main__":
    main(*sys.argv[1:])
