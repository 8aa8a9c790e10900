"""Bad input gets one clear sentence on stderr, a status that says so, and changes nothing."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from hosting.models import HCIngestionRun, HostingCapacitySection
from tests.conftest import Portal
from tests.layers import entry, write_layer
from utilities.models import Source, Utility

CODE = "bad"
ROWS: list[dict[str, Any]] = [{"section": f"s{n}", "feeder": f"f{n % 3}", "mw": n / 2} for n in range(30)]


class _Page(BaseHTTPRequestHandler):
    """Answers everything with a friendly HTML page, as firewalls and portals do."""

    def do_GET(self) -> None:
        body = b"<!DOCTYPE html><html><body>Welcome! Please sign in.</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def html_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/arcgis/rest/services/x/FeatureServer"
    server.shutdown()
    server.server_close()


@pytest.fixture
def published(portal: Portal) -> Source:
    """A source whose last good state is up."""
    write_layer(portal.folder / "recorded", CODE, ROWS)
    source = portal.add(entry(CODE))
    assert portal.ingest(source).status == "completed"
    return source


def what_is_up() -> list[tuple[Any, ...]]:
    return [
        *HostingCapacitySection.objects.order_by("id").values_list(
            "id", "key", "hosting_capacity_mw", "ingestion_run_id"
        ),
        *Source.objects.order_by("id").values_list("published_run_id", "lake_run_id"),
        *Utility.objects.order_by("id").values_list("utility_code", "last_ingested_at"),
    ]


def command(portal: Portal, *words: str) -> tuple[int, str]:
    """Exit status and stderr of the ingest command."""
    done = portal.python("manage.py", "ingest_hosting_capacity", *words)
    return done.returncode, done.stderr


def assert_one_clear_sentence(said: str) -> None:
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1, said
    assert 20 < len(said) < 400, said


@pytest.mark.parametrize(
    ("words", "status", "expected"),
    [
        (["--utility", CODE, "--fast"], 2, "--fast"),
        (["--utility", "baad"], 1, "Did you mean bad?"),
        (["--utility", CODE, "--source", "feeders"], 1, "it has sections"),
        ([], 1, "--list-utilities"),
        (["--utility", CODE, "--limit", "5"], 1, "--dry-run"),
        (["--utility", "all", "--category", "fax"], 2, "arcgis_feature"),
        (["--utility", CODE, "--month", "2026-10"], 1, "publish files"),
        (["--discover", "ftp://example.org/FeatureServer"], 1, "https"),
        (["--discover", "https://10.0.0.1/arcgis/rest/services/x/FeatureServer"], 1, "10.0.0.1"),
    ],
)
def test_a_wrong_option_is_said_and_begins_no_run(
    portal: Portal, published: Source, words: list[str], status: int, expected: str
) -> None:
    before, runs = what_is_up(), HCIngestionRun.objects.count()
    code, said = command(portal, *words)
    assert code == status
    assert expected in said
    assert_one_clear_sentence(said)
    assert what_is_up() == before
    assert HCIngestionRun.objects.count() == runs


def fails(portal: Portal, source: Source, expected: str) -> None:
    """The command fails with `expected`, the run says the same, and what is up stays."""
    source.refresh_from_db()
    before = [row for row in what_is_up() if len(row) != 3]
    code, said = command(portal, "--utility", CODE)
    run = HCIngestionRun.objects.latest("id")
    assert code == 1
    assert expected in said
    assert_one_clear_sentence(said)
    assert run.status == "failed"
    assert expected in run.error_message
    assert f"Readers keep what run {source.published_run_id} published." in said
    assert run.completed_at is not None
    assert [row for row in what_is_up() if len(row) != 3] == before
    assert HostingCapacitySection.objects.count() == len(ROWS)


def test_an_unreachable_host_fails_the_run(portal: Portal, published: Source) -> None:
    portal.add(entry(CODE, "http://127.0.0.1:9/arcgis/rest/services/x/FeatureServer"))
    fails(portal, published, "127.0.0.1 refused the connection")


def test_an_html_page_instead_of_json_fails_the_run(
    portal: Portal, published: Source, html_server: str
) -> None:
    portal.add(entry(CODE, html_server))
    fails(portal, published, "a web page instead of JSON")


def test_a_layer_without_the_mapped_field_fails_the_run(portal: Portal, published: Source) -> None:
    renamed = [{"section": row["section"], "feeder": row["feeder"], "MW_2026": row["mw"]} for row in ROWS]
    write_layer(portal.folder / "recorded", CODE, renamed)
    fails(portal, published, "'mw'")


def test_a_layer_without_rows_fails_the_run(portal: Portal, published: Source) -> None:
    empty = [{"section": "", "feeder": "", "mw": 0.0}]
    write_layer(portal.folder / "recorded", CODE, empty, mw="esriFieldTypeDouble")
    layer = portal.folder / "recorded" / CODE / "0" / "features.json"
    layer.write_text(layer.read_text().partition('"features"')[0] + '"features": []}')
    fails(portal, published, "no rows")


def test_a_catalog_with_a_typo_is_said_with_file_and_line_and_changes_nothing(
    portal: Portal, published: Source
) -> None:
    before = what_is_up()
    file = portal.folder / "catalog" / f"{CODE}.yaml"
    file.write_text(file.read_text().replace("hosting_capacity_mw:", "hosting_capcity_mw:"))
    line = 1 + next(
        number for number, text in enumerate(file.read_text().splitlines()) if "hosting_capcity_mw" in text
    )
    done = portal.python("manage.py", "sync_catalog")
    assert done.returncode == 1
    assert f"{file}:{line}: " in done.stderr
    assert "hosting_capcity_mw" in done.stderr
    assert "Traceback" not in done.stderr
    assert what_is_up() == before


def test_fetch_layer_leaves_no_file_when_it_fails(portal: Portal, html_server: str) -> None:
    output = portal.folder / "layer.gpkg"
    done = portal.python("manage.py", "fetch_layer", f"{html_server}/0", "-o", str(output))
    assert done.returncode == 1
    assert "a web page instead of JSON" in done.stderr
    assert_one_clear_sentence(done.stderr)
    assert not list(portal.folder.glob("*layer*"))


def test_fetch_layer_names_the_suffixes_it_writes(portal: Portal) -> None:
    done = portal.python("manage.py", "fetch_layer", "recorded://x/FeatureServer/0", "-o", "x.shp")
    assert done.returncode == 1
    assert ".parquet" in done.stderr
    assert_one_clear_sentence(done.stderr)
