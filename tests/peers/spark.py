"""Apache Spark's own Spark Connect server, which nobody here wrote, on loopback, while tests need it.

It has no Delta: what runs on it reads and writes Parquet.
"""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
READY_WITHIN = 180  # seconds; a free machine takes 8
READY = "Spark Connect server started at"


def installed() -> Path:
    """The folder of Spark; skips where it or Java is missing, fails in CI."""
    missing = None
    found = sorted((ROOT / "var" / "peers" / "spark").glob("lib/python3*/site-packages/pyspark"))
    if not found:
        missing = "Apache Spark is not installed under var/peers/spark (bin/test does it)"
    elif not shutil.which("java"):
        missing = "Apache Spark needs Java, which is not installed"
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return found[0]


@contextmanager
def apache_spark(folder: Path) -> Iterator[str]:
    """A running server's `sc://` address; its files lie in `folder`. Ended with all that it started."""
    home = installed()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        # The quick compiler alone: every query runs once, so that thorough compiling never pays.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "2",  # 200 tasks of nothing otherwise
        "spark.ui.enabled": "false",
    }
    given = [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
    server = subprocess.Popen(
        [
            str(home / "bin" / "spark-submit"),
            "--class=org.apache.spark.sql.connect.service.SparkConnectServer",
            "--master=local[2]",
            *given,
            "spark-internal",
        ],
        cwd=folder,
        env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        assert server.stdout
        for line in server.stdout:
            said.append(line)
            if READY in line:
                ready.set()
        ready.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        ready.wait(READY_WITHIN)
        if not any(READY in line for line in said):
            pytest.fail(f"Apache Spark did not start: {''.join(said[-30:]) or 'it said nothing'}")
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)
        listener.join(10)
        if server.stdout:
            server.stdout.close()
