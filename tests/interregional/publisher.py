"""A publisher: a real HTTP server on this machine that answers from files, and misbehaves when told to."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def body(content: bytes, status: int = 200, *, claimed: int | None = None) -> Answer:
    """These bytes; `claimed` is how many the head says there are."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(content) if claimed is None else claimed))
        request.end_headers()
        request.wfile.write(content)

    return answer


def slow(content: bytes, seconds: float) -> Answer:
    """These bytes, one after the other."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        until = time.monotonic() + seconds
        for byte in content:
            if time.monotonic() > until:
                return
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            time.sleep(0.05)

    return answer


def nothing(request: BaseHTTPRequestHandler) -> None:
    """Hangs up."""
    request.close_connection = True


@dataclass
class Publisher:
    """Its address, what it answers where, and what it was asked for."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def publisher() -> Iterator[Publisher]:
    """A publisher that runs; paths it does not know are 404."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked.append(self.path)
            try:
                served.answers.get(self.path, body(b"no such file", 404))(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Publisher(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
