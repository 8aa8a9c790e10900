"""Promote a utility from dev in this process and kill it, without a chance to clean up, as a step ends.

python -m tests.hosting.interrupted_promotion STEP UTILITY
"""

import os
import signal
import sys
from typing import Any

import django


def main(step: str, utility: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from hosting.recording import step_ended

    def kill(**sent: Any) -> None:
        if sent["step"] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    step_ended.connect(kill)
    call_command("promote", "--from", "dev", "--to", settings.HCP_ENV, "--utility", utility)


if __name__ == "__main__":
    main(*sys.argv[1:])
