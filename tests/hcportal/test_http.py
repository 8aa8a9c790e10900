"""The one session: what it refuses to talk to, how long it waits, what it never tells anyone else."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from hcportal.addresses import is_permitted
from hcportal.errors import BadAnswer, RefusedAddress, ServiceError, Unreachable
from hcportal.http import Client
from hcportal.pace import Pace, seconds
from tests.hosting.sources.faulty import Faulty, Reply, every, first, serving


@pytest.fixture
def server() -> Iterator[Faulty]:
    with serving(Faulty(3)) as server:
        yield server


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(allow_loopback=True, backoff=0.01, read_timeout=5, pause=0) as client:
        yield client


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/arcgis/rest/services/x/FeatureServer/0",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "gopher://example.com/",
        "recorded://demo/FeatureServer/0",
        "https:///nohost",
        "https://user:secret@example.com/x",
        "https://example.com:99999/x",
        "not an address",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://10.1.2.3/x",
        "https://172.16.0.1/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/x",
        "https://0.0.0.0/x",
        "https://[fd00::1]/x",
        "https://[fe80::1]/x",
        "https://224.0.0.1/x",
        "https://2130706433/x",
        "https://0177.0.0.1/x",
        "https://0x7f.1/x",
    ],
)
def test_addresses_that_are_not_public_https_are_refused(url: str) -> None:
    with Client() as client, pytest.raises(RefusedAddress) as caught:
        client.get(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("198.18.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
    ],
)
def test_addresses_are_judged_by_what_they_reach(address: str, permitted: bool) -> None:
    assert is_permitted(address, allow_loopback=True) is permitted


def test_loopback_is_for_tests_alone(server: Faulty) -> None:
    with Client(allow_http=True) as client, pytest.raises(RefusedAddress, match=r"127\.0\.0\.1"):
        client.get(server.url)
    assert server.log == []


def test_it_says_who_it_is(server: Faulty) -> None:
    with Client(allow_loopback=True, contact="grid@example.org") as client:
        client.get_json(server.url)
    assert server.log[0].headers["User-Agent"] == "hcportal/0.1 (+grid@example.org)"
    assert "gzip" in server.log[0].headers["Accept-Encoding"]


def test_long_queries_are_sent_as_forms(client: Client, server: Faulty) -> None:
    client.get_json(f"{server.url}/query", {"where": "1=1", "outFields": "NAME"})
    client.get_json(f"{server.url}/query", {"where": "1=1", "outFields": "NAME", "x": "y" * 2_000})
    assert [asked.method for asked in server.log] == ["GET", "POST"]
    assert server.log[1].params["where"] == "1=1"


def test_zipped_answers_are_unzipped(client: Client, server: Faulty) -> None:
    body = gzip.compress(b'{"count": 7}')
    server.faults.append(lambda *_: Reply(body=body, headers={"Content-Encoding": "gzip"}))
    assert client.get_json(server.url) == {"count": 7}


def test_a_bomb_is_not_unzipped_to_its_end(server: Faulty) -> None:
    bomb = gzip.compress(bytes(50 << 20))
    assert len(bomb) < 100_000
    server.faults.append(lambda *_: Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    with (
        Client(allow_loopback=True, max_bytes=1 << 20) as client,
        pytest.raises(BadAnswer, match="more than 1,048,576 bytes"),
    ):
        client.get(server.url)
    assert len(server.log) == 1


def test_a_body_that_drips_is_given_up(server: Faulty) -> None:
    server.faults.append(lambda *_: Reply(body=b"x" * 10_000, drip=0.05))
    with Client(allow_loopback=True, deadline=0.4, backoff=0.01) as client:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"took longer than 0\.4 s"):
            client.get(server.url)
    assert time.monotonic() - began < 3
    assert len(server.log) == 2  # a timeout is tried once more, not six times


@contextmanager
def dripping_head(certificate: Path | None = None) -> Iterator[int]:
    """A port where each byte of an answer's head comes in time, and the head never ends."""
    listening: socket.socket = socket.create_server(("127.0.0.1", 0))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listening = context.wrap_socket(listening, server_side=True)

    def answer() -> None:
        with suppress(OSError):  # a client that hangs up, and the end of the test
            while True:
                connected, _ = listening.accept()
                with connected, suppress(OSError):
                    connected.recv(9_000)
                    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 60:
                        connected.sendall(bytes([byte]))
                        time.sleep(0.05)

    threading.Thread(target=answer, daemon=True).start()
    with listening:
        yield int(listening.getsockname()[1])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_head_that_drips_is_given_up_too(scheme: str, certificate: Path) -> None:
    under_tls = scheme == "https"
    with (
        dripping_head(certificate if under_tls else None) as port,
        Client(allow_loopback=True, ca_file=certificate, deadline=0.4, backoff=0.01) as client,
    ):
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"took longer than 0\.4 s to begin"):
            client.get(f"{scheme}://localhost:{port}/x")
    assert time.monotonic() - began < 2.5, "one byte in 50 ms takes over 4 s"


def test_a_server_that_says_nothing_is_given_up(server: Faulty) -> None:
    server.faults.append(lambda *_: time.sleep(1))
    with (
        Client(allow_loopback=True, read_timeout=0.2, backoff=0.01) as client,
        pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"),
    ):
        client.get(server.url)


def test_a_port_where_nobody_listens_is_unreachable(client: Client) -> None:
    with pytest.raises(Unreachable, match="refused the connection"):
        client.get("http://127.0.0.1:9/x")


def test_a_host_that_does_not_exist_is_unreachable() -> None:
    with Client(backoff=0.01) as client, pytest.raises(Unreachable, match="no such host"):
        client.get("https://hcportal.invalid/x")


def test_a_web_page_is_named_by_its_title(client: Client, server: Faulty) -> None:
    page = b"<html><head><title>Sign In</title></head></html>"
    server.faults.append(lambda *_: Reply(body=page))
    with pytest.raises(BadAnswer, match=r"a web page \(Sign In\) instead of JSON"):
        client.get_json(server.url)
    assert len(server.log) == 6


def test_a_title_is_repeated_without_control_characters(client: Client, server: Faulty) -> None:
    server.faults.append(lambda *_: Reply(body=b"<title>Sign\0\x1b[2J In</title>"))
    with pytest.raises(BadAnswer, match=r"a web page \(Sign \[2J In\) instead"):
        client.get_json(server.url)


@pytest.mark.parametrize("body", [b"gone", b'{"error": "gone"}'])
@pytest.mark.parametrize("status", [404, 410, 418])
def test_what_the_server_refuses_is_not_asked_again(
    client: Client, server: Faulty, status: int, body: bytes
) -> None:
    server.faults.append(lambda *_: Reply(body=body, status=status))
    with pytest.raises(ServiceError, match=f"HTTP {status}") as caught:
        client.get(server.url)
    assert caught.value.code == status
    assert len(server.log) == 1


def redirect(to: str) -> Reply:
    return Reply({}, status=302, headers={"Location": to})


def test_redirects_are_followed_with_the_question(client: Client, server: Faulty) -> None:
    server.faults.append(first(1, "count", lambda: redirect("/moved/FeatureServer/0/query")))
    found = client.get_json(f"{server.url}/query", {"where": "1=1", "returnCountOnly": "true"})
    assert found == {"count": 3}
    assert [asked.path for asked in server.log][1] == "/moved/FeatureServer/0/query"


def test_redirects_in_a_circle_end(client: Client, server: Faulty) -> None:
    server.faults.append(lambda *_: redirect("/again"))
    with pytest.raises(BadAnswer, match="redirects more than 3 times"):
        client.get(server.url)
    assert len(server.log) == 4


@pytest.mark.parametrize("to", ["http://10.0.0.1/x", "https://169.254.169.254/x", "file:///etc/passwd"])
def test_redirects_to_forbidden_addresses_are_refused(client: Client, server: Faulty, to: str) -> None:
    server.faults.append(lambda *_: redirect(to))
    with pytest.raises(RefusedAddress):
        client.get(server.url)


def test_a_server_may_not_send_its_readers_to_a_recording(server: Faulty, tmp_path: Path) -> None:
    folder = tmp_path / "demo" / "0"
    folder.mkdir(parents=True)
    (folder / "layer.json").write_text('{"name": "recorded here"}')
    address = "recorded://demo/FeatureServer/0"
    server.faults.append(lambda *_: redirect(address))
    with Client(allow_loopback=True, recorded_root=tmp_path) as client:
        assert client.get_json(address) == {"name": "recorded here"}
        with pytest.raises(RefusedAddress, match="not recorded"):
            client.get_json(server.url)


def test_a_token_and_a_referer_stay_with_their_host(client: Client, server: Faulty) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(serving(Faulty(3)))
        # The same machine under another name is another host.
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        server.faults.append(lambda *_: redirect(f"{elsewhere}?token=s3cret&f=json"))
        client.know("127.0.0.1", headers={"Referer": "https://maps.example"}, token=lambda _: "s3cret")
        client.get_json(server.url, {"f": "json"})
    (asked,) = server.log
    assert (asked.method, asked.params["token"]) == ("POST", "s3cret")
    assert asked.headers["Referer"] == "https://maps.example"
    (forwarded,) = other.log
    assert "token" not in forwarded.params
    assert "Referer" not in forwarded.headers
    assert forwarded.params["f"] == "json"


def test_a_caller_may_not_have_its_token_forwarded_either(client: Client, server: Faulty) -> None:
    with serving(Faulty(3)) as other:
        server.faults.append(lambda *_: redirect(other.url.replace("127.0.0.1", "localhost")))
        client.get_json(server.url, {"token": "s3cret"})
    assert "token" not in other.log[0].params


def test_the_pause_between_requests_is_kept() -> None:
    pace = Pace(per_host=4, overall=16, pause=0.05)
    began = time.monotonic()
    for _ in range(4):
        with pace.turn("gis.example", pause=True):
            pass
    assert time.monotonic() - began >= 0.15


def test_a_host_that_complains_is_asked_half_as_much_and_slowly_more_again() -> None:
    pace = Pace(per_host=4, overall=16, pause=0)
    pace.slow_down("gis.example", halve=True, seconds=0)
    assert pace.host("gis.example").limit == 2
    for _ in range(100):
        with pace.turn("gis.example", pause=False):
            pass
    assert pace.host("gis.example").limit == 3


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for the name localhost (and no address), with its key in the same file."""
    if not shutil.which("openssl"):
        missing = "openssl is not installed"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    file = tmp_path / "localhost.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(file)),
        ],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + (tmp_path / "key.pem").read_bytes())
    return file


def test_certificates_are_always_checked_and_against_the_name(certificate: Path) -> None:
    with serving(Faulty(3), certificate=certificate) as server:
        by_name = server.url.replace("127.0.0.1", "localhost")
        with Client(allow_loopback=True, ca_file=certificate) as client:
            assert client.get_json(by_name)["name"] == "lines"
            with pytest.raises(Unreachable, match="no trusted connection"):
                client.get(server.url)
        with Client(allow_loopback=True) as client, pytest.raises(Unreachable, match="no trusted connection"):
            client.get(by_name)


def test_retry_after_is_a_number_or_a_date() -> None:
    assert seconds("7") == 7
    assert seconds(None) is None
    assert seconds("soon") is None
    assert seconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    ahead = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
    assert 55 < (seconds(ahead) or 0) <= 60


def test_a_closed_client_stops_waiting(server: Faulty) -> None:
    client = Client(allow_loopback=True, backoff=30)
    server.faults.append(every("layer", lambda asked, reply: close_and_refuse(client)))
    began = time.monotonic()
    with pytest.raises(Unreachable):
        client.get(server.url)
    assert time.monotonic() - began < 5


def close_and_refuse(client: Client) -> Reply:
    client.close()
    return Reply({}, status=503)
