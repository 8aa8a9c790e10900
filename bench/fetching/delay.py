"""A network in between: every byte arrives later, each way by half the time that is asked for."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def delayed(url: str, seconds: float) -> Iterator[str]:
    """The same address through a proxy on this machine that adds `seconds` to each round trip.

    Bytes are held back and not slowed down: as many fit through at once as before. Opening a connection costs
    nothing, so whoever opens one for each request is flattered.
    """
    parts = urlsplit(url)
    loop = asyncio.new_event_loop()
    ready: list[asyncio.Server] = []
    started = threading.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(parts.hostname, parts.port)
        there, back = _carry(reader, far_writer, seconds / 2), _carry(far_reader, writer, seconds / 2)
        with suppress(asyncio.CancelledError):  # at the end; asyncio would print it
            await asyncio.gather(there, back)

    async def run() -> None:
        ready.append(await asyncio.start_server(connected, "127.0.0.1", 0))
        started.set()

    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(run(), loop)
    if not started.wait(10):
        raise RuntimeError("the proxy did not start")
    port = ready[0].sockets[0].getsockname()[1]
    try:
        yield parts._replace(netloc=f"127.0.0.1:{port}").geturl()
    finally:
        asyncio.run_coroutine_threadsafe(_end(ready[0]), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)


async def _end(server: asyncio.Server) -> None:
    """Close it, and the connections that clients left open."""
    server.close()
    open_still = asyncio.all_tasks() - {asyncio.current_task()}
    for task in open_still:
        task.cancel()
    await asyncio.gather(*open_still, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """What comes in goes out `seconds` later, in order, while more may come in."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=4_000)

    async def take() -> None:
        piece = b"begin"
        while piece:
            with suppress(ConnectionError):
                piece = await reader.read(1 << 16)
                await under_way.put((loop.time() + seconds, piece))
                continue
            piece = b""
            await under_way.put((loop.time(), piece))

    async def give() -> None:
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                break
            with suppress(ConnectionError):
                writer.write(piece)
                await writer.drain()
        writer.close()

    await asyncio.gather(take(), give())
