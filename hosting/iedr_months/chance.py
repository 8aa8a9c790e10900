"""Numbers that look drawn and depend on nothing but the seed, a purpose, a row's number and its revision."""

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_STEP = np.uint64(0x9E3779B97F4A7C15)  # constants of splitmix64
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Chance:
    """A seed's numbers."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, purpose: str, rows: Ints, revision: "Ints | int" = 0) -> Floats:
        """One number of [0, 1) for each row; another for each purpose and each revision of it."""
        with np.errstate(over="ignore"):
            salt = np.uint64(crc32(f"{self._seed}/{purpose}".encode()))
            x = (rows.astype(np.uint64) + np.uint64(1)) * _STEP
            x = x + (salt << np.uint64(31)) + np.asarray(revision).astype(np.uint64) * _SECOND
            for shift, factor in ((30, _FIRST), (27, _SECOND)):
                x = (x ^ (x >> np.uint64(shift))) * factor
            x ^= x >> np.uint64(31)
        return np.asarray((x >> np.uint64(11)).astype(np.float64) * 2.0**-53)

    def whole(self, purpose: str, rows: Ints, below: "Ints | int", revision: "Ints | int" = 0) -> Ints:
        """A whole number from 0 up to, and without, `below`."""
        return np.asarray(np.floor(self.of(purpose, rows, revision) * below).astype(np.int64))
