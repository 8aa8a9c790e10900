"""How bin/manage and bin/bench run a command with the servers there."""

import os
import sys
from typing import NoReturn

from hcportal.errors import HcportalError
from hcportal.services import instance, paths
from hcportal.services.console import Console
from hcportal.services.supervisor import python


def manage(arguments: list[str]) -> NoReturn:
    """Become manage.py, with the servers started if they are down.

    It keeps the caller's folder, input, signals and exit status: this process turns into it.
    """
    from hcportal.services import up

    needed = up.needed_servers()
    if needed:
        instance.hold_for_command()
        state = instance.running()
        if state is None:
            print(f"Starting {' and '.join(needed)} (bin/down stops them) ...", file=sys.stderr)  # noqa: T201
            up.serve_in_background()
            state = instance.running()
        elif state.stage == "starting":
            state = instance.wait_until({"services", "ready"}, 300)
        if state is None or not set(needed) <= set(state.servers):
            raise HcportalError(
                f"What runs in {paths.var_dir()} was started with DATABASE_URL or REDIS_URL set. "
                "Set them for bin/manage as well, or stop it with bin/down."
            )
    os.execv(sys.executable, python(str(paths.PROJECT / "manage.py"), *arguments))  # noqa: S606 - no shell is meant


def run(command: list[str], console: Console) -> int:
    """Run a command with PostgreSQL and Redis there for as long as it takes; its exit status."""
    from hcportal.services import up

    ours = up.claim("run")
    with up.supervised(ours, console) as supervisor:
        up.start_servers(supervisor, ours, console)
        ours.tell(stage="ready")
        return supervisor.run_in_foreground(command, paths.PROJECT)
