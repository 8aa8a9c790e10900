"""A small ArcGIS server on loopback that can be told to misbehave.

`Faulty` answers the questions of the REST interface from rows in memory. A fault is a function of what was
asked and of the reply that a good server would give; it returns the reply that is sent instead, or None.
"""

from __future__ import annotations

import json
import operator
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
Clause = tuple[str, Callable[[Any, Any], bool], int]


@dataclass
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    began: float
    at_once: int  # requests under way, this one included

    @property
    def kind(self) -> str:
        if not self.path.endswith("/query"):
            return "layer" if self.path.rpartition("/")[2].isdigit() else "service"
        for name, kind in (
            ("returnCountOnly", "count"),
            ("returnIdsOnly", "ids"),
            ("outStatistics", "stats"),
        ):
            if self.params.get(name, "false") != "false":
                return kind
        return "page"


@dataclass
class Reply:
    """What is sent: `cut` ends the connection after so many bytes, `drip` waits so long after each one."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    drip: float = 0.0

    @property
    def bytes(self) -> bytes:
        return self.body if self.body is not None else json.dumps(self.content).encode()


Fault = Callable[[Asked, Reply], Reply | None]


def error(code: int | None, message: str | None = "Unable to perform query", **more: Any) -> Reply:
    """An Esri error object with HTTP 200."""
    return Reply({"error": {"code": code, "message": message, "details": [], **more}})


def web_page(title: str = "Sign In") -> Reply:
    return Reply(body=f"<!DOCTYPE html><html><head><title>{title}</title></head></html>".encode())


def first(times: int, kind: str | None, make: Callable[[], Reply]) -> Fault:
    """The first so many requests of a kind (None: of each kind) go wrong."""
    left: dict[str, int] = {}

    def fault(asked: Asked, reply: Reply) -> Reply | None:
        if kind not in {None, asked.kind}:
            return None
        left.setdefault(asked.kind, times)
        left[asked.kind] -= 1
        return make() if left[asked.kind] >= 0 else None

    return fault


def every(kind: str, make: Callable[[Asked, Reply], Reply | None]) -> Fault:
    return lambda asked, reply: make(asked, reply) if asked.kind == kind else None


def rows_where(number: int, **attributes: Any) -> Json:
    """One feature: a line whose place follows from its number."""
    x, y = -72 + number / 1e4, 41 + number / 1e4
    return {
        "attributes": {"OBJECTID": number, "NAME": f"section {number}", "MW": number / 8, **attributes},
        "geometry": {"paths": [[[x, y], [x + 0.001, y + 0.001]]]},
    }


class Faulty:
    """Rows, what the server says of itself, its faults, and a log of what it was asked."""

    def __init__(
        self, count: int = 2_500, *, max_record_count: int = 1_000, oid: str | None = "OBJECTID"
    ) -> None:
        self.rows = [rows_where(number) for number in range(1, count + 1)]
        self.max_record_count, self.oid = max_record_count, oid
        self.gives = max_record_count  # what it gives, whatever it says
        self.flag = True  # says so when there is more
        self.edited: int | None = None
        self.statistics = self.pagination = True
        self.keeps_order = True
        self.faults: list[Fault] = []
        self.log: list[Asked] = []
        self.fields: list[Json] = [
            {"name": "OBJECTID", "alias": "OBJECTID", "type": "esriFieldTypeOID"},
            {"name": "NAME", "alias": "Name", "type": "esriFieldTypeString", "length": 40},
            {"name": "MW", "alias": "Capacity", "type": "esriFieldTypeDouble"},
        ]
        self.url = ""
        self.under_way = 0
        self.work = 0.0  # seconds that each answer takes to make
        self.lock = threading.Lock()

    def asked(self, kind: str) -> list[Asked]:
        return [asked for asked in self.log if asked.kind == kind]

    def layer(self) -> Json:
        described: Json = {
            "id": 0,
            "name": "lines",
            "type": "Feature Layer",
            "geometryType": "esriGeometryPolyline",
            "objectIdField": self.oid,
            "fields": self.fields,
            "maxRecordCount": self.max_record_count,
            "capabilities": "Query",
            "extent": {"spatialReference": {"wkid": 102100, "latestWkid": 3857}},
            "advancedQueryCapabilities": {
                "supportsPagination": self.pagination,
                "supportsStatistics": self.statistics,
            },
        }
        if self.edited is not None:
            described["editingInfo"] = {"lastEditDate": self.edited + 5, "dataLastEditDate": self.edited}
        return described

    def answer(self, asked: Asked) -> Json:
        if asked.kind == "service":
            return {"layers": [{"id": 0, "name": "lines"}], "tables": [], "capabilities": "Query"}
        if asked.kind == "layer":
            return self.layer()
        params = asked.params
        rows = [row for row in self.rows if self.matches(row, _clauses(params["where"]))]
        if asked.kind == "count":
            return {"count": len(rows)}
        if asked.kind == "ids":
            ids = [row["attributes"][self.oid] for row in rows] if self.oid else None
            return {"objectIdFieldName": self.oid, "objectIds": ids}
        if asked.kind == "stats":
            ids = [row["attributes"][self.oid] for row in rows]
            values = {"MIN(X) AS THE_MIN": min(ids), "MAX(X) AS THE_MAX": max(ids)}
            return {"features": [{"attributes": values}]}
        if "objectIds" in params:
            wanted = {int(number) for number in params["objectIds"].split(",")}
            rows = [row for row in rows if row["attributes"][self.oid] in wanted]
        if not self.keeps_order and "orderByFields" not in params:
            turn = 7 * len(self.log) % max(len(rows), 1)
            rows = rows[turn:] + rows[:turn]
        start = int(params.get("resultOffset", 0))
        end = start + min(self.gives, int(params.get("resultRecordCount", self.gives)))
        names = params.get("outFields", "*").split(",")
        shaped = []
        for row in rows[start:end]:
            one = {"attributes": {n: v for n, v in row["attributes"].items() if n in names or names == ["*"]}}
            if params.get("returnGeometry") != "false":
                one["geometry"] = row["geometry"]
            shaped.append(one)
        answer: Json = {
            "objectIdFieldName": self.oid,
            "geometryType": "esriGeometryPolyline",
            "spatialReference": {"wkid": int(params.get("outSR", 3857))},
            "fields": [f for f in self.fields if f["name"] in names],
            "features": shaped,
        }
        if self.flag and end < len(rows):
            answer["exceededTransferLimit"] = True
        return answer

    def matches(self, row: Json, clauses: list[Clause]) -> bool:
        return all(holds(row["attributes"].get(name, 1), value) for name, holds, value in clauses)


def _clauses(where: str) -> list[Clause]:
    """The comparisons of a filter; `1=1` and `1=0` are comparisons of a field that no row has."""
    signs = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "=": operator.eq}
    found = re.findall(r"(\w+)(>=|<=|>|=)(-?\d+)", where)
    return [(name, signs[sign], int(value)) for name, sign, value in found]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    faulty: Faulty

    def do_GET(self) -> None:
        self.respond("GET", "")

    def do_POST(self) -> None:
        self.respond("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def respond(self, method: str, form: str) -> None:
        faulty, parts = self.faulty, urlsplit(self.path)
        params = dict(parse_qsl(parts.query) + parse_qsl(form))
        with faulty.lock:
            faulty.under_way += 1
            asked = Asked(method, parts.path, params, dict(self.headers), time.monotonic(), faulty.under_way)
            faulty.log.append(asked)
            faults = list(faulty.faults)
            reply = Reply(faulty.answer(asked))
            for fault in faults:
                reply = fault(asked, reply) or reply
        time.sleep(faulty.work)
        with faulty.lock:
            faulty.under_way -= 1  # before the answer leaves: who has it may ask again at once
        try:
            self.send(reply)
        except OSError:  # the client has gone
            self.close_connection = True

    def send(self, reply: Reply) -> None:
        body = reply.bytes
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.drip:
            for i in range(len(body)):
                self.wfile.write(body[i : i + 1])
                self.wfile.flush()
                time.sleep(reply.drip)
        elif reply.cut is not None:
            self.wfile.write(body[: reply.cut])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the game."""


@contextmanager
def serving(faulty: Faulty, *, certificate: Path | None = None) -> Iterator[Faulty]:
    """The server, reachable at `faulty.url` (its layer 0); under TLS with a certificate."""
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"faulty": faulty}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    scheme = "https" if certificate else "http"
    faulty.url = f"{scheme}://127.0.0.1:{server.server_port}/arcgis/rest/services/lines/FeatureServer/0"
    try:
        yield faulty
    finally:
        server.shutdown()
        server.server_close()
