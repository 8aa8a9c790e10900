"""The commands in bin/ end up here: up, down, manage, check, run, services."""

import argparse
import os
import sys

from hcportal.errors import HcportalError
from hcportal.services import paths
from hcportal.services.console import Console
from hcportal.services.supervisor import Stopped


def main(arguments: list[str]) -> int:
    """Do what bin/<command> is for; the exit status."""
    if os.environ.get("HCP_VAR"):
        os.environ["HCP_VAR"] = str(paths.var_dir())  # children work in another folder: no relative path
    command, *rest = arguments or [""]
    # What bin/manage and the like run is none of argparse's business.
    if command == "manage":
        from hcportal.services.commands import manage

        manage(rest)
    if command == "run":
        from hcportal.services.commands import run

        return run(rest, Console(sys.stderr))
    if command == "check":
        from hcportal.services.checks import check

        return check(rest, Console())
    from hcportal.services import up

    if command == "services":
        return up.serve(Console())
    if command == "down":
        argparse.ArgumentParser("bin/down", description="Stop what bin/up or bin/manage started.").parse_args(
            rest
        )
        return up.down(Console())
    if command != "up":
        raise HcportalError(f"There is no command '{command}'; what there is lies in bin/.")
    options = _up_options(rest)
    if options.detach:
        return up.up_in_background(demo=options.demo)
    return up.up(demo=options.demo, background=options.background, console=Console())


def _up_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bin/up", description="Start hcportal, with all that it needs.")
    parser.add_argument("-d", "--detach", action="store_true", help="go to the background when ready")
    parser.add_argument(
        "--no-demo", dest="demo", action="store_false", help="without the synthetic demonstration utilities"
    )
    parser.add_argument("--background", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except HcportalError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except Stopped as stopped:
        sys.exit(128 + stopped.signum)
