"""Hostile addresses are refused before a byte is sent, whatever a name resolves to and however often."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from hcportal.addresses import entered
from hcportal.errors import FetchError, RefusedAddress
from hcportal.http import Client
from tests.hosting.sources.faulty import Faulty, Reply, serving

SERVICE = "/arcgis/rest/services/x/FeatureServer/0"
# This machine, in every disguise.
HERE = [
    "https://2130706433",
    "https://017700000001",
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://127.1",
    "https://127.0.0.1",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:7f00:1]",
    "https://[64:ff9b::7f00:1]",
    "https://[2002:7f00:1::]",
    "https://[::7f00:1]",
    "https://[::ffff:0:7f00:1]",
    "https://[64:ff9b:1::7f00:1]",
    "https://localhost",
]
ELSEWHERE = [
    "https://[::ffff:169.254.169.254]",
    "https://[fe80::1]",
    "https://[fd00:ec2::254]",
    "https://[fec0::1]",
    "https://10.0.0.1",
    "https://172.31.255.1",
    "https://192.168.0.1",
    "https://169.254.169.254",
    "https://100.100.100.200",
    "https://0.0.0.0",
    "https://0",
    "https://255.255.255.255",
    "https://239.0.0.1",
    "https://public.example@127.0.0.1",
    "https://user:word@public.example",
    "https://public.example:22",
    "https://public.example:8443",
    "https://public.example:0",
    "https://public.example:99999",
    "http://public.example",
    "ftp://public.example",
    "gopher://public.example",
    "file://",
    "recorded://public.example",
    "https://",
    "https://public.example\\@127.0.0.1",
]


class Wire:
    """Stands between us and the network: names resolve as a test says, and every connection is noted."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers, self.tried = answers, list[str]()
        self.resolve = socket.getaddrinfo

    def getaddrinfo(self, host: Any, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in self.answers:
            listed = self.answers[name]
            return self.resolve(listed.pop(0) if len(listed) > 1 else listed[0], port, *args, **more)
        return self.resolve(host, port, *args, **more)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire({"public.example": ["93.184.215.14"]})

    def connect(_socket: socket.socket, address: Any) -> None:
        wire.tried.append(address[0])
        raise ConnectionRefusedError("noted, and not made")

    monkeypatch.setattr(socket, "getaddrinfo", wire.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return wire


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(backoff=0.001, attempts=2) as client:
        yield client


@pytest.mark.parametrize("where", [*HERE, *ELSEWHERE])
def test_a_hostile_address_is_refused_and_nothing_is_connected_to(
    client: Client, wire: Wire, where: str
) -> None:
    with pytest.raises(RefusedAddress) as caught:
        client.get(where + SERVICE)
    assert wire.tried == []
    assert "word" not in str(caught.value)


def test_a_public_address_is_connected_to(client: Client, wire: Wire) -> None:
    with pytest.raises(FetchError):
        client.get("https://public.example:6443" + SERVICE)
    assert set(wire.tried) == {"93.184.215.14"}, "else the table above would prove nothing"


def test_a_name_that_answers_differently_the_second_time_gains_nothing(client: Client, wire: Wire) -> None:
    wire.answers["public.example"] = ["93.184.215.14", "127.0.0.1"]
    with pytest.raises(RefusedAddress, match=r"127\.0\.0\.1"):
        client.get("https://public.example" + SERVICE)
    assert wire.tried == ["93.184.215.14"]


def test_a_name_with_one_address_inside_is_refused_altogether(
    client: Client, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.215.14", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: both)
    with pytest.raises(RefusedAddress, match=r"10\.0\.0\.7"):
        client.get("https://public.example" + SERVICE)
    assert wire.tried == []


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_redirect_to_a_hostile_address_is_not_followed(where: str) -> None:
    """Loopback is where the server of this test lives, so those addresses are left to the table above."""
    with serving(Faulty(1)) as server, Client(allow_loopback=True, backoff=0.001) as client:
        server.faults.append(lambda *_: Reply(body=b"", status=302, headers={"Location": where + SERVICE}))
        with pytest.raises(RefusedAddress):
            client.get(server.url)
        assert len(server.log) == 1


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (
            " https://host.example/arcgis/rest/services/x/FeatureServer/3/query?where=1 ",
            "https://host.example/arcgis/rest/services/x/FeatureServer/3",
        ),
        (
            "https://host.example/a/b/rest/services/Folder/My.Name/MapServer/",
            "https://host.example/a/b/rest/services/Folder/My.Name/MapServer",
        ),
        (
            "https://host.example/rest/services/x/FeatureServer#top",
            "https://host.example/rest/services/x/FeatureServer",
        ),
    ],
)
def test_an_address_that_was_typed_is_asked_without_its_question(typed: str, asked: str) -> None:
    assert entered(typed) == asked


@pytest.mark.parametrize(
    "typed",
    [
        "https://host.example/",
        "https://host.example/rest/services",
        "https://host.example/rest/services/x/ImageServer",
        "https://host.example/rest/services/../../manager/x/FeatureServer",
        "https://host.example/rest/services/%2E./x/FeatureServer",
        "https://host.example/rest/services/x/FeatureServer/0/addFeatures",
        "https://host.example/services/x/FeatureServer/0",
        "https://host.example/rest/services/x y/FeatureServer",
        "https://[host.example/rest/services/x/FeatureServer",
    ],
)
def test_an_address_that_is_no_service_or_layer_is_not_asked(typed: str) -> None:
    with pytest.raises(RefusedAddress):
        entered(typed)


def test_the_pause_between_two_starts_at_a_host_is_kept_by_all_clients_together(tmp_path: Any) -> None:
    with serving(Faulty(1)) as server:
        clients = [Client(allow_loopback=True, pause=0.1, pace_folder=tmp_path) for _ in range(3)]
        for client in clients * 2:
            client.get(server.url)
        for client in clients:
            client.close()
        starts = [asked.began for asked in server.log]
        gaps = [later - earlier for earlier, later in pairwise(starts)]
        assert len(gaps) == 5
        assert sum(gaps) >= 0.45, "five pauses, less what the first request was late"
        assert min(gaps) >= 0.05, "none was left out; on a busy machine one arrives late and the next in time"


def test_a_host_that_complains_to_one_client_is_asked_less_by_all(tmp_path: Any) -> None:
    with serving(Faulty(1)) as server:
        complain = [Reply({}, status=429, headers={"Retry-After": "1"})]
        server.faults.append(lambda *_: complain.pop() if complain else None)
        first, second = (
            Client(allow_loopback=True, backoff=0.01, pace_folder=tmp_path, per_host=4) for _ in range(2)
        )
        began = time.monotonic()
        first.get(server.url)
        assert time.monotonic() - began >= 1
        server.work = 0.1
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: second.get(server.url), range(8)))
        assert max(asked.at_once for asked in server.log) == 2, "half of four"
        first.close()
        second.close()
