"""Pull in this process and kill it, without a chance to clean up, when all is written and nothing is
committed; or, given `after`, right after the commit.

python -m tests.interregional.interrupted [after]
"""

import os
import signal
import sys
from typing import Any

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hcportal.settings")
    django.setup()
    from django.db import transaction

    from interregional.ingest import about_to_commit, pull_current

    def kill(**_sent: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def kill_after(**_sent: Any) -> None:
        transaction.on_commit(kill)

    killer = kill_after if "after" in sys.argv else kill
    about_to_commit.connect(killer)
    pull_current()


if __name__ == "__main__":
    main()
