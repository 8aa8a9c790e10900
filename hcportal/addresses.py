"""Which addresses may be asked and connected to, and connections that go nowhere else.

A host's name is looked up and judged where the connection is made, so that what was checked is what is
connected to: a name that resolves differently the second time gains nothing. Private, link-local, carrier
and metadata addresses are refused; this machine's own too, unless a test allows it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

from hcportal.errors import RefusedAddress, Unreachable
from hcportal.pace import Retry

PORTS = {"https": {443, 6443}, "http": {80, 6080}}
"""Where web servers and ArcGIS servers listen; whoever listens elsewhere is none that we read."""
_SERVICE = re.compile(r"(/[\w.~%-]+)*/rest/services(/[\w.~%-]+)+/(Feature|Map)Server(/\d+)?", re.IGNORECASE)
_ASIDE = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""The only IPv6 addresses that are given out; translated, compatible and site-local ones lie outside."""


def is_permitted(address: str, *, allow_loopback: bool) -> bool:
    """Whether an IP address is a public one (or this machine's own, where that is allowed)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # The forms that carry an IPv4 address are judged by it.
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_permitted(str(inner), allow_loopback=allow_loopback)
    if ip.is_loopback:
        return allow_loopback
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _UNICAST:
        return False
    return ip.is_global and not ip.is_multicast


def resolve(host: str, port: int, *, allow_loopback: bool) -> list[str]:
    """The addresses of `host`, all of them permitted; a connection goes to one of these and no other."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as problem:
        raise Retry(Unreachable(f"{host}: no such host ({problem})"), once=True) from problem
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        if not is_permitted(address, allow_loopback=allow_loopback):
            raise RefusedAddress(f"{host} is {address}, which is not a public address")
    return addresses


class _Checked(HTTPConnection):
    """A connection that looks its host up itself, so that what was checked is what is connected to."""

    allow_loopback = False
    deadline: float = 180  # seconds for the head of an answer

    def _new_conn(self) -> socket.socket:
        timeout = self.timeout if isinstance(self.timeout, int | float) else None
        problem: OSError = OSError("no address")
        for address in resolve(self._dns_host, self.port or 443, allow_loopback=self.allow_loopback):
            try:
                return create_connection(
                    (address, self.port or 443), timeout, socket_options=self.socket_options
                )
            except TimeoutError:
                raise Retry(
                    Unreachable(f"{self.host} did not take a connection within {timeout} s"), once=True
                ) from None
            except OSError as found:
                problem = found
        raise Retry(Unreachable(f"{self.host} refused the connection ({problem})")) from problem

    def getresponse(self) -> Any:  # urllib3's, which is not that of http.client
        """The head of the answer, in time also where it comes byte by byte, each within the read timeout."""
        late = threading.Event()
        timer = threading.Timer(self.deadline, _hang_up, (self.sock, late))
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        except (OSError, HTTPException) as problem:
            if not late.is_set():
                raise
            message = f"{self.host} took longer than {self.deadline} s to begin its answer"
            raise Retry(Unreachable(message), once=True) from problem
        finally:
            timer.cancel()


def _hang_up(connected: socket.socket, late: threading.Event) -> None:
    """End a connection under its reader, beneath TLS where that is spoken."""
    late.set()
    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


class _CheckedTLS(_Checked, HTTPSConnection):
    """The same under TLS; the certificate is checked against the host's name, not the address."""


class CheckedAdapter(HTTPAdapter):
    """Keep-alive pools whose connections check where they go."""

    def __init__(self, *, allow_loopback: bool, pool: int, deadline: float) -> None:
        told = {"allow_loopback": allow_loopback, "deadline": deadline}
        self._plain: type[HTTPConnection] = type("Checked", (_Checked,), told)
        self._tls: type[HTTPConnection] = type("CheckedTLS", (_CheckedTLS,), told)
        super().__init__(pool_connections=32, pool_maxsize=pool, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": self._plain})
        tls = type("TLSPool", (HTTPSConnectionPool,), {"ConnectionCls": self._tls})
        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": tls}


def is_local(host: str) -> bool:
    """Whether a host is this machine by its name alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def permitted(url: str, *, allow_http: bool, allow_loopback: bool, allow_recorded: bool) -> SplitResult:
    """The address in its parts, or RefusedAddress: what can be told before any name is looked up."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as problem:
        raise RefusedAddress(f"{without_query(url)} is not an address: {problem}") from problem
    if not host:
        raise RefusedAddress(f"{without_query(url)} names no host")
    if parts.scheme == "recorded" and allow_recorded:
        return parts
    if parts.scheme not in PORTS:
        raise RefusedAddress(f"{without_query(url)}: only https addresses are fetched, not {parts.scheme}")
    if parts.username is not None or parts.password is not None:
        raise RefusedAddress(f"the address at {host} carries a user name; remove it")
    local = allow_loopback and is_local(host)
    if parts.scheme == "http" and not (allow_http or local):
        raise RefusedAddress(f"{without_query(url)} is not encrypted; only https addresses are fetched")
    if port is not None and port not in PORTS[parts.scheme] and not local:
        raise RefusedAddress(f"{without_query(url)}: port {port} is none that map services listen on")
    return parts


def entered(url: str) -> str:
    """An address that a person typed, as it is asked; RefusedAddress where it is no ArcGIS service or layer.

    What is behind `/query` and `?` is left out. Recordings are addressed by their name alone.
    """
    url = without_query(url.strip()).rstrip("/").removesuffix("/query")
    try:
        parts = urlsplit(url)
    except ValueError as problem:
        raise RefusedAddress(f"{url} is not an address: {problem}") from problem
    steps_aside = _ASIDE.search(parts.path)
    if parts.scheme != "recorded" and (steps_aside or not _SERVICE.fullmatch(parts.path)):
        raise RefusedAddress(
            f"{parts.scheme}://{parts.hostname or ''}{parts.path} is no map service: its address has"
            " /rest/services/ in it and ends in FeatureServer or MapServer, or in one of these and a"
            " layer's number"
        )
    return url


def turns_of(parts: SplitResult) -> str:
    """Whose turns a request takes: its host's. On this machine every port is a server of its own."""
    host = parts.hostname or ""
    return f"{host}-{parts.port}" if is_local(host) else host


def without_query(url: str) -> str:
    """An address as it may be logged: no query, where tokens would be."""
    return url.partition("?")[0].partition("#")[0]
