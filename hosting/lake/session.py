"""The engine: one Spark Connect session per process, embedded or remote by configuration.

Application code sees only PySpark DataFrames. Embedded is Sail (`pysail`), a Spark Connect server in this
very process, reached over a loopback port of the system's choosing; a remote is any `sc://` address.
"""

import atexit
import os
import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from hcportal.errors import LakeError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Read by the engine when it is loaded; whoever sets them in the environment wins.
EMBEDDED = {
    # Sorts and aggregations go to the disk above it, joins fail (decision 018); Delta writes are not bounded.
    "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
    "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(2 * 1024**3),
    # Half of the default, and memory given back at once: a first load of 59,535 sections peaks lower with
    # them, in the same time.
    "SAIL_EXECUTION__BATCH_SIZE": "4096",
    "MIMALLOC_PURGE_DELAY": "0",
    "RUST_LOG": "error",
}
AMBIENT = "ambient"  # in the place of an address: the session that is there already, as in a Databricks job
_lock = threading.Lock()
_sessions: "dict[tuple[int, str], SparkSession]" = {}
_servers: list[Any] = []  # kept alive: a server stops when it is collected


def engine(remote: str = "") -> "SparkSession":
    """The session for `remote`, the embedded engine where it is empty, AMBIENT for the one that is there.

    Made once per process, UTC. A forked child must not use its parent's engine (its threads did not come
    along), so sessions are kept per process id. Raises LakeError where the remote does not answer.
    """
    with _lock:
        key = (os.getpid(), remote)
        if key not in _sessions:
            _sessions[key] = _ambient() if remote == AMBIENT else _connect(remote or _start_embedded())
        return _sessions[key]


def warm(remote: str = "") -> threading.Thread:
    """Start the engine beside other work (it takes a second or two, mostly imports)."""
    thread = threading.Thread(target=engine, args=(remote,), name="engine-start", daemon=True)
    thread.start()
    return thread


def stop() -> None:
    """End this process's engines. The next `engine()` starts a new one.

    The embedded engine listens on loopback and asks nobody who they are: a process that lives long stops it
    as soon as its work is done.
    """
    with _lock:
        for key in [key for key in _sessions if key[0] == os.getpid()]:
            _sessions.pop(key).stop()
        while _servers:
            _servers.pop().stop()


def _start_embedded() -> str:
    for name, value in EMBEDDED.items():
        os.environ.setdefault(name, value)
    from pysail.spark import SparkConnectServer

    pa.set_memory_pool(pa.system_memory_pool())  # what is let go is given back, a tenth of the peak
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _servers.append(server)
    _host, port = server.listening_address
    return f"sc://127.0.0.1:{port}"


def _ambient() -> "SparkSession":
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


def _connect(url: str) -> "SparkSession":
    from pyspark.sql import SparkSession

    try:
        session = SparkSession.builder.remote(url).create()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        # At exit it would ask the engine to forget models that we never make, for minutes if that has gone.
        atexit.unregister(session.client._on_exit)
    except Exception as error:
        raise LakeError(f"The engine at {url.split(';', maxsplit=1)[0]} does not answer: {error}") from error
    return session
