"""Pull in this process and kill it, without a chance to clean up, when all is written and nothing is
committed.

python -m tests.interregional.interrupted
"""

import os
import signal
from typing import Any

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    from interregional.ingest import about_to_commit, pull_current

    def kill(**_sent: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    about_to_commit.connect(kill)
    pull_current()


if __name__ == "__main__":
    main()
