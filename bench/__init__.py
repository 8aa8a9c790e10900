"""Benchmarks: each prints its figures beside a peer's from the same run. Tests never assert on time."""
