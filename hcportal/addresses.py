"""Which addresses may be connected to, and connections that go nowhere else.

A host's name is looked up and judged where the connection is made, so that what was checked is what is
connected to: a name that resolves differently the second time gains nothing. Private, link-local, carrier
and metadata addresses are refused; this machine's own too, unless a test allows it.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

from hcportal.errors import RefusedAddress, Unreachable
from hcportal.pace import Retry

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


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


class _CheckedTLS(_Checked, HTTPSConnection):
    """The same under TLS; the certificate is checked against the host's name, not the address."""


class _CheckedLocal(_Checked):
    allow_loopback = True


class _CheckedLocalTLS(_CheckedTLS):
    allow_loopback = True


class CheckedAdapter(HTTPAdapter):
    """Keep-alive pools whose connections check where they go."""

    def __init__(self, *, allow_loopback: bool, pool: int) -> None:
        self._plain: type[HTTPConnection] = _CheckedLocal if allow_loopback else _Checked
        self._tls: type[HTTPConnection] = _CheckedLocalTLS if allow_loopback else _CheckedTLS
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
