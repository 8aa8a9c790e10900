"""The data that is served: the generated load, in the benchmark's own database."""

import subprocess
import sys
from typing import Any

import psycopg
from django.db import connection

from bench.serving.servers import ROOT

SEED, FEEDERS, SECTIONS, DERS = 1, 20_000, 200_000, 1_000_000


def prepare(feeders: int = FEEDERS, sections: int = SECTIONS, ders: int = DERS) -> None:
    """Have the load there, made by this code; what an earlier benchmark made is used again."""
    from hosting.load.store import made_by, there

    _manage("migrate", "--noinput", quiet=True)
    wanted = made_by(SEED, feeders, sections, ders)
    found = there()
    if not found or any(utility.config_json.get("evidence") != wanted for utility in found):
        _manage("generate_load", "--remove")
        sizes = ("--feeders", str(feeders), "--sections", str(sections), "--ders", str(ders))
        _manage("generate_load", "--seed", str(SEED), *sizes)
    with direct() as plain:
        plain.execute("VACUUM (ANALYZE)")


def direct() -> "psycopg.Connection[Any]":
    """A connection of psycopg without Django, set up as Django's are."""
    where = connection.settings_dict
    return psycopg.connect(
        host=where["HOST"],
        port=where["PORT"] or None,
        dbname=where["NAME"],
        user=where["USER"],
        password=where["PASSWORD"] or None,
        autocommit=True,
        prepare_threshold=None,
        cursor_factory=psycopg.ClientCursor,
    )


def _manage(*words: str, quiet: bool = False) -> None:
    output = subprocess.DEVNULL if quiet else None
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    if subprocess.run(command, stdout=output, check=False).returncode:
        sys.exit(f"{' '.join(words)} failed")
