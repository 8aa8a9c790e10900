"""A thin proxy before Koop, with one fault for each path: `<proxy>/<fault>/rest/services/…/FeatureServer/0`.

A fault is a function of what was asked and of `koop`, which asks Koop really; it returns what is sent
instead. What keeps a count (the first so many requests) begins anew with each `Faults`.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.hosting.sources.faulty import Asked, Json, Reply, _Handler, _Server, error, web_page

SERVICE = "/rest/services/lines/FeatureServer"
Ask = Callable[[dict[str, str]], Json]
Fault = Callable[[Asked, Ask], Reply]

UNREADABLE = 777  # the object id of the row that can never be read
CURVED = 1_234
WRONG = 42  # of the row whose number is a word
DROPPED = range(801, 838)  # 37 rows that are left out of larger pages
BOMB = gzip.compress(bytes(40 << 20))


class FaultyKoop:
    """The proxy's state: what it was asked, by fault, and the faults."""

    def __init__(self, koop_url: str) -> None:
        parts = urlsplit(koop_url)
        self._koop = (parts.hostname or "", parts.port or 80)
        self._service = parts.path.removesuffix("/0")
        self.base = ""
        self.log: dict[str, list[Asked]] = {}
        self.faults = make_faults(self)
        self.under_way = 0
        self.lock = threading.Lock()

    def url(self, fault: str) -> str:
        return f"{self.base}/{fault}{SERVICE}/0"

    def forget(self) -> None:
        """Begin anew: every fault that comes once comes once more."""
        self.faults = make_faults(self)
        self.log.clear()

    def asked(self, fault: str, kind: str) -> list[Asked]:
        return [asked for asked in self.log.get(fault, []) if asked.kind == kind]

    def koop(self, path: str, params: dict[str, str]) -> Json:
        connection = HTTPConnection(*self._koop, timeout=30)
        try:
            connection.request("GET", f"{self._service}{path}?{urlencode({**params, 'f': 'json'})}")
            content: Json = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return content

    def reply(self, asked: Asked) -> Reply:
        name, _, rest = asked.path.lstrip("/").partition("/")
        asked.path = f"/{rest}"
        with self.lock:
            self.log.setdefault(name, []).append(asked)
        path = asked.path.removeprefix(SERVICE)

        return self.faults[name](asked, lambda params: self.koop(path, params))


class _Proxy(_Handler):
    faulty: Any

    def respond(self, method: str, form: str) -> None:
        proxy, parts = self.faulty, urlsplit(self.path)
        params = dict(parse_qsl(parts.query) + parse_qsl(form))
        with proxy.lock:
            proxy.under_way += 1
            asked = Asked(method, parts.path, params, dict(self.headers), 0.0, proxy.under_way)
        try:
            self.send(proxy.reply(asked))
        except OSError:  # the client has gone
            self.close_connection = True
        finally:
            with proxy.lock:
                proxy.under_way -= 1


@contextmanager
def faulty_koop(koop_url: str) -> Iterator[FaultyKoop]:
    """The proxy before the Koop at `koop_url` (its layer 0)."""
    proxy = FaultyKoop(koop_url)
    server: ThreadingHTTPServer = _Server(("127.0.0.1", 0), type("Proxy", (_Proxy,), {"faulty": proxy}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    proxy.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


# --- Faults -------------------------------------------------------------------------------------------------


def on(kind: str, change: Callable[[Asked, Json], Reply | None]) -> Fault:
    """Change Koop's answers of one kind; None leaves an answer as it is."""

    def fault(asked: Asked, koop: Ask) -> Reply:
        content = koop(asked.params)
        return (change(asked, content) if asked.kind == kind else None) or Reply(content)

    return fault


def described(**values: Any) -> Fault:
    """The layer says this of itself."""
    return on("layer", lambda _asked, content: content.update(values))


def both(*faults: Fault) -> Fault:
    """Each fault sees what the one before makes of Koop's answers; the first that sends no JSON wins."""

    def fault(asked: Asked, koop: Ask) -> Reply:
        def through(step: int) -> Ask:
            if step < 0:
                return koop

            def ask(params: dict[str, str]) -> Json:
                reply = faults[step](asked, through(step - 1))
                if reply.body is not None or reply.status != 200 or reply.cut or reply.drip:
                    raise _Sent(reply)
                content: Json = reply.content
                return content

            return ask

        try:
            return Reply(through(len(faults) - 1)(asked.params))
        except _Sent as sent:
            return sent.reply

    return fault


class _Sent(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


def first(times: int, kind: str | None, make: Callable[[Asked, Ask], Reply]) -> Fault:
    """The first so many requests of a kind (None: of any) go wrong."""
    left = [times]

    def fault(asked: Asked, koop: Ask) -> Reply:
        if kind in {None, asked.kind} and left[0] > 0:
            left[0] -= 1
            return make(asked, koop)
        return Reply(koop(asked.params))

    return fault


def cut_to(rows: int, *, flag: bool) -> Fault:
    """Pages hold so many rows at most, whatever was asked."""

    def change(_asked: Asked, content: Json) -> None:
        if len(content["features"]) > rows:
            content["features"] = content["features"][:rows]
            content.pop("exceededTransferLimit", None)
            if flag:
                content["exceededTransferLimit"] = True

    return on("page", change)


def number(row: Json) -> int:
    """The object id of a row as Koop has it."""
    return int(row["attributes"]["OBJECTID"])


def make_faults(proxy: FaultyKoop) -> dict[str, Fault]:
    """Every fault by its name."""
    turn = [0]

    def disorder(asked: Asked, koop: Ask) -> Reply:
        """Without an order, each page begins elsewhere: some rows come twice, and as many never."""
        if asked.kind != "page" or "orderByFields" in asked.params:
            return Reply(koop(asked.params))
        turn[0] += 1
        rows = koop({"where": asked.params["where"], "returnCountOnly": "true"})["count"]
        offset = int(asked.params.get("resultOffset", 0))
        wanted = max(0, min(int(asked.params.get("resultRecordCount") or rows), rows - offset))
        start = (offset + 701 * turn[0]) % max(rows, 1)
        paging = {"resultOffset": str(start), "resultRecordCount": str(wanted)}
        content = koop({**asked.params, **paging})
        if (left := wanted - len(content["features"])) > 0:
            paging = {"resultOffset": "0", "resultRecordCount": str(left)}
            content["features"] += koop({**asked.params, **paging})["features"]
        return Reply(content)

    def too_many(asked: Asked, content: Json) -> Reply | None:
        return Reply({}, status=500) if len(content["features"]) > 300 else None

    def no_pages(asked: Asked, content: Json) -> Reply | None:
        paged = {"resultOffset", "resultRecordCount"} & asked.params.keys()
        return error(400, "Pagination is not supported.") if paged else None

    def drops(asked: Asked, content: Json) -> None:
        if len(content["features"]) > 100:
            content["features"] = [row for row in content["features"] if number(row) not in DROPPED]

    def unreadable(asked: Asked, content: Json) -> Reply | None:
        there = any(number(row) == UNREADABLE for row in content["features"])
        return error(500, "Error performing query operation") if there else None

    def curved(asked: Asked, content: Json) -> None:
        for row in content["features"]:
            if number(row) == CURVED:
                path = row["geometry"]["paths"][0]
                row["geometry"] = {"curvePaths": [[path[0], {"c": [path[-1], path[0]]}]]}

    def wrong_type(asked: Asked, content: Json) -> None:
        for row in content["features"]:
            if number(row) == WRONG:
                row["attributes"]["mw"] = "plenty"

    def one_alias(asked: Asked, content: Json) -> None:
        for field in content["fields"]:
            if field["name"] in {"mw", "other"}:
                field["alias"] = "Capacity"

    def as_floats(asked: Asked, content: Json) -> None:
        if "objectIds" in content:
            content["objectIds"] = [float(n) for n in content["objectIds"]]
        for row in content.get("features", []):
            if "OBJECTID" in row["attributes"]:
                row["attributes"]["OBJECTID"] = float(row["attributes"]["OBJECTID"])

    def fid(asked: Asked, koop: Ask) -> Reply:
        """The object id is called FID, and a plain column is called OBJECTID and says 7 in every row."""
        to_koop = {key: re.sub(r"\bFID\b", "OBJECTID", value) for key, value in asked.params.items()}
        content = koop(to_koop)
        if asked.kind == "layer":
            content["objectIdField"] = "FID"
            content.pop("uniqueIdField", None)
            kept = [field for field in content["fields"] if field["name"] != "OBJECTID"]
            plain = {"name": "OBJECTID", "alias": "OBJECTID", "type": "esriFieldTypeInteger"}
            content["fields"] = [plain, {"name": "FID", "alias": "FID", "type": "esriFieldTypeOID"}, *kept]
        if "objectIdFieldName" in content:
            content["objectIdFieldName"] = "FID"
        for field in content.get("fields", []) if asked.kind == "page" else []:
            if field["name"] == "OBJECTID":
                field["name"] = "FID"
        if asked.kind == "page":
            content.setdefault("fields", []).append({"name": "OBJECTID", "type": "esriFieldTypeInteger"})
        for row in content.get("features", []):
            if "OBJECTID" in row["attributes"]:
                row["attributes"]["FID"] = row["attributes"]["OBJECTID"]
                row["attributes"]["OBJECTID"] = 7
        return Reply(content)

    def few_ids(asked: Asked, content: Json) -> None:
        if len(content["objectIds"]) > 1_000:
            content["objectIds"] = content["objectIds"][:1_000]

    def edited(*dates: int) -> Fault:
        """The layer says that it was edited at the first of the dates, then at the next, then the last."""
        said = [0]

        def change(_asked: Asked, content: Json) -> None:
            content["editingInfo"] = {"lastEditDate": dates[min(said[0], len(dates) - 1)]}
            said[0] += 1

        return on("layer", change)

    edits = [1_760_000_000_000]

    def edited_always(_asked: Asked, content: Json) -> None:
        edits[0] += 60_000
        content["editingInfo"] = {"lastEditDate": edits[0]}

    def token(good: Callable[[str], bool], code: int) -> Fault:
        def fault(asked: Asked, koop: Ask) -> Reply:
            given = asked.params.pop("token", "")
            if not good(given):
                return error(code if given else 499, "Invalid Token" if given else "Token Required")
            return Reply(koop(asked.params))

        return fault

    refused_once = [True]

    def expires(given: str) -> bool:
        if given and refused_once[0]:
            refused_once[0] = False
            return False
        return bool(given)

    def elsewhere(to: Callable[[Asked], str]) -> Fault:
        def fault(asked: Asked, koop: Ask) -> Reply:
            return Reply(body=b"", status=302, headers={"Location": to(asked)})

        return fault

    def other_name(asked: Asked) -> str:
        host = proxy.base.replace("127.0.0.1", "localhost")
        return f"{host}/well{asked.path}?{urlencode(asked.params)}"

    broken = (b'{"features": [' + b"1" * 4_000, 900)
    zipped = {"Content-Encoding": "gzip"}
    return {
        "well": on("none", lambda *_: None),
        "advertised-500": both(described(maxRecordCount=500), cut_to(500, flag=True)),
        "says-2000-gives-500": both(described(maxRecordCount=2_000), cut_to(500, flag=False)),
        "no-order": disorder,
        "short-pages": cut_to(333, flag=True),
        "one-500-in-200": first(1, "page", lambda *_: error(500)),
        "one-web-page": first(1, "page", lambda *_: web_page()),
        "reset": first(1, "page", lambda *_: Reply(body=broken[0], cut=broken[1])),
        "three-429": first(3, None, lambda *_: Reply({}, status=429, headers={"Retry-After": "1"})),
        "over-300-is-500": on("page", too_many),
        "no-pagination": both(
            described(advancedQueryCapabilities={"supportsPagination": False}), on("page", no_pages)
        ),
        "drops-37": on("page", drops),
        "unreadable-row": on("page", unreadable),
        "token-expires": token(expires, 498),
        "token-refused": token(lambda _given: False, 498),
        "redirect": elsewhere(other_name),
        "redirect-inside": elsewhere(lambda asked: f"http://10.0.0.1{asked.path}"),
        "one-slow-body": first(1, "page", lambda *_: Reply(body=b"x" * 4_000, drip=0.05)),
        "slow-bodies": both(
            described(maxRecordCount=2), on("page", lambda *_: Reply(body=b"x" * 4_000, drip=0.05))
        ),
        "bomb": both(described(maxRecordCount=16), on("page", lambda *_: Reply(body=BOMB, headers=zipped))),
        "bomb-of-metadata": on("layer", lambda *_: Reply(body=BOMB, headers=zipped)),
        "curves": on("page", curved),
        "one-alias": on("layer", one_alias),
        "fid": fid,
        "float-ids": both(on("ids", as_floats), on("page", as_floats)),
        "empty-page": first(1, "page", lambda asked, koop: Reply(koop(asked.params) | _EMPTY_AND_MORE)),
        "max-ids": both(described(maxIdsCount=1_000), on("ids", few_ids)),
        "edited-once": edited(1_760_000_000_000, 1_760_000_060_000),
        "edited-always": on("layer", edited_always),
        "edit-date": edited(1_760_000_000_000),
        "wrong-type": on("page", wrong_type),
    }


_EMPTY_AND_MORE: Json = {"features": [], "exceededTransferLimit": True}
