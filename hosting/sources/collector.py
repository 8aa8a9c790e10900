"""No garbage collection while a page is parsed: it would look at every new list and dict again and again.

Parsing 20,000 lines takes a quarter of the time without it. The collector belongs to the process and pages
are made in several threads, so pauses are counted.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_pauses = 0
_paused_here = False
_pause_lock = threading.Lock()


@contextmanager
def collector_paused() -> Iterator[None]:
    """The collector is off within, and after the last of all such blocks as it was before."""
    global _pauses, _paused_here  # noqa: PLW0603 - the collector is the process's
    with _pause_lock:
        if _pauses == 0 and gc.isenabled():
            gc.disable()
            _paused_here = True
        _pauses += 1
    try:
        yield
    finally:
        with _pause_lock:
            _pauses -= 1
            if _pauses == 0 and _paused_here:
                gc.enable()
                _paused_here = False
