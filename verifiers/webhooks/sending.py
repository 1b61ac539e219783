"""One attempt to hand a message to its receiver: to a checked address, once, without following anybody anywhere.

Bounded in time by a watch beside it, because timeouts of sockets are for each read, and in size: of an answer only
the status is read. What goes wrong is a short word for the list of messages, never an exception.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property

from verifiers.webhooks.addresses import AddressRefused, Network, Target, resolve

CONNECT_TIME = 5.0  # seconds
TOTAL_TIME = 15.0  # Standard Webhooks: 15 to 30 s
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, or 0 and a word for what went wrong."""

    status: int
    word: str

    @property
    def delivered(self) -> bool:
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The receiver wants nothing any more (Standard Webhooks, "Sending webhooks": 410 Gone)."""
        return self.status == GONE


class Sender:
    """Sends to public addresses, and to those in `private_networks`."""

    def __init__(self, private_networks: Collection[Network] = (), total_time: float = TOTAL_TIME) -> None:
        self._private_networks, self._total_time = private_networks, total_time

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # reads all of the system's certificates

    def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST."""
        try:
            addresses = resolve(target, self._private_networks)
        except AddressRefused:
            return Answer(0, "address_refused")
        except (OSError, UnicodeError):  # a name that is none is not even encoded
            return Answer(0, "name_unknown")
        cut = threading.Event()
        try:
            with closing(_connected(addresses, target.port)) as plain, self._watched(plain, cut):
                status = self._asked(plain, target, headers, body)
        except (OSError, http.client.HTTPException, ValueError) as failure:
            return Answer(0, "timeout" if cut.is_set() or isinstance(failure, TimeoutError) else _word(failure))
        if cut.is_set():  # headers that were cut off seem to be at their end
            return Answer(0, "timeout")
        return Answer(status, str(status))

    def _asked(self, plain: socket.socket, target: Target, headers: Mapping[str, str], body: bytes) -> int:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = self._tls.wrap_socket(plain, server_hostname=target.host) if target.encrypted else plain
        with closing(connection):
            connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": target.authority, **headers, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            return connection.getresponse().status

    @contextmanager
    def _watched(self, plain: socket.socket, cut: threading.Event) -> Iterator[None]:
        own = plain.dup()  # wrapping for TLS takes the socket itself away

        def cut_off() -> None:
            cut.set()
            with suppress(OSError):
                own.shutdown(socket.SHUT_RDWR)

        watch = threading.Timer(self._total_time, cut_off)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()
            own.close()


def _connected(addresses: Collection[str], port: int) -> socket.socket:
    """A connection to the first address that takes one."""
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            found = socket.create_connection((address, port), timeout=CONNECT_TIME)
        except OSError as refused:
            failure = refused
        else:
            found.settimeout(TOTAL_TIME)
            return found
    raise failure


def _word(failure: Exception) -> str:
    if isinstance(failure, ssl.SSLError):
        return "tls_failed"
    if isinstance(failure, ConnectionRefusedError):
        return "connection_refused"
    if isinstance(failure, http.client.HTTPException | ValueError) and not isinstance(failure, OSError):
        return "not_http"
    return "connection_failed"
