"""What bin/test checks, in order, as one table. Everything is run, and everything that failed is named."""

from hcportal.services import paths, up
from hcportal.services.console import Console
from hcportal.services.supervisor import python

CHECKS = [
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    # import-linter can only be called as a program or like this
    ("import contracts", ["-c", "from importlinter.cli import lint_imports_command as run; run()"]),
    ("migrations", ["manage.py", "makemigrations", "--check", "--dry-run"]),
    ("static files", ["manage.py", "collectstatic", "--noinput"]),  # pages under test are served with them
]


def check(pytest_arguments: list[str], console: Console) -> int:
    """Run all checks, then pytest with these arguments, on servers of its own; 0 when all passed."""
    ours = up.claim("run")
    with up.supervised(ours, console) as supervisor:
        up.start_servers(supervisor, ours, console, throwaway=True)
        failed = []
        for name, arguments in CHECKS:
            with console.step(name) as step:
                status, output = supervisor.attempt(name.replace(" ", "-"), python(*arguments), paths.PROJECT)
                step.failed = status != 0
            if step.failed:
                failed.append(name)
                console.say(output.rstrip())
        if supervisor.run_in_foreground(python("-m", "pytest", *pytest_arguments), paths.PROJECT) != 0:
            failed.append("pytest")
        if failed:
            console.say(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0
