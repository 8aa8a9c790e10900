"""What hcportal itself runs on the servers: the web server, the worker and the timetable."""

import http.client
import os
import signal
import socket
from dataclasses import dataclass

from hcportal.errors import HcportalError
from hcportal.services import paths
from hcportal.services.supervisor import Program, python


class AddressUnusable(HcportalError):
    """The web server cannot listen where it should."""


@dataclass(frozen=True)
class Address:
    """Where the web server listens."""

    host: str
    port: int

    @classmethod
    def from_environment(cls) -> "Address":
        """HCP_HOST and HCP_PORT; raises AddressUnusable for a port that is none."""
        given = os.environ.get("HCP_PORT") or "8000"
        if not given.isdecimal() or not 0 < int(given) < 65536:
            raise AddressUnusable(f"HCP_PORT is {given!r}; it must be a number from 1 to 65535.")
        return cls(os.environ.get("HCP_HOST") or "127.0.0.1", int(given))

    @property
    def url(self) -> str:
        """What to open on this machine."""
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared
        return f"http://{_bracketed(reachable)}:{self.port}/"

    @property
    def bind(self) -> str:
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")

    def check_free(self) -> None:
        """Raises AddressUnusable when another program listens there or the address is not this machine's."""
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except PermissionError:
            raise AddressUnusable(
                f"Port {self.port} needs more rights than you have. "
                "Choose one above 1023: HCP_PORT=8000 bin/up"
            ) from None
        except OSError as error:
            if error.errno is not None and "in use" in os.strerror(error.errno):
                raise AddressUnusable(
                    f"Port {self.port} on {self.host} is in use by another program. "
                    f"Choose another: HCP_PORT={self.port + 1} bin/up"
                ) from None
            raise AddressUnusable(
                f"The web server cannot listen on {self.bind}: {error}. HCP_HOST says where it should."
            ) from None


def web(address: Address) -> Program:
    """gunicorn: two processes of four threads, which wait for PostgreSQL most of their time."""

    def is_ready(_pid: int, _log: str) -> bool:
        connection = http.client.HTTPConnection(address.url[7:-1], timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()

    return Program(
        name="web",
        command=python(
            *("-m", "gunicorn", "hcportal.wsgi:application"),
            *("--bind", address.bind),
            *("--workers", "2", "--threads", "4"),
            "--preload",  # one import for both processes
            *("--timeout", "120"),  # an export streams for longer than a page takes
            *("--graceful-timeout", "5"),
            "--no-control-socket",
        ),
        folder=paths.PROJECT,
        ready=is_ready,
        on_orphaned=signal.SIGQUIT,  # at once; SIGTERM would wait for requests that nothing can answer
    )


def worker() -> Program:
    """Celery's worker: two processes, without the chatter that many workers would need."""
    return Program(
        name="worker",
        command=python(
            *("-m", "celery", "-A", "hcportal", "worker"),
            *("--concurrency", "2"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            *("--max-memory-per-child", "500000"),  # kB; an ingest's memory is given back after it
            *("--loglevel", "INFO"),
        ),
        folder=paths.PROJECT,
        ready=lambda _pid, log: " ready." in log,
        # A task that needs longer is killed, and the next start marks its run as failed.
        seconds_to_stop=10,
        # SIGTERM would wait for tasks, whose servers are gone. The pool's processes have SIGKILL as their own
        # death signal (celery.concurrency.prefork), and so go with the worker.
        on_orphaned=signal.SIGKILL,
    )


def beat() -> Program:
    """Celery's clock; the timetable is in the database."""
    return Program(
        name="beat",
        command=python(
            *("-m", "celery", "-A", "hcportal", "beat"),
            "--pidfile=",  # one supervisor, one beat
            *("--loglevel", "INFO"),
        ),
        folder=paths.PROJECT,
        ready=lambda _pid, log: "beat: Starting..." in log,
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
