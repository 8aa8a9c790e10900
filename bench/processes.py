"""Running a command with a clock, and with an eye on the memory of it and of all that it starts."""

import os
import subprocess
import sys
import threading
import time

import psutil


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """Wall seconds, peak resident MB of the process and its children, and what it said."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    peak = 0.0
    watched = psutil.Process(process.pid)

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                family = [watched, *watched.children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in family) / 1e6)
            except psutil.NoSuchProcess:
                return
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate()
    seconds = time.perf_counter() - began
    watcher.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{said[-3000:]}")
    return seconds, peak, said


def sql(host: str, statement: str, database: str = "postgres") -> str:
    """What psql says to a statement on the private server."""
    done = subprocess.run(
        ["psql", "-h", host, "-U", "hcportal", "-d", database, "-qAtc", statement],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PGOPTIONS": "-c client_min_messages=error"},
    )
    return done.stdout.strip()
