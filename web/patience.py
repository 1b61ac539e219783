"""An HTTP connection that is not kept waiting: who does not send a request's headers in time, or too many, is gone.

The server limits neither; some hundred half-open connections would otherwise keep everybody else out (slowloris).
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_TIME = 15.0  # seconds from the first byte (a new connection: from its opening) to the headers' end
HEADER_LIMIT = 64 << 10  # bytes


class ImpatientProtocol(HttpToolsProtocol):
    """Bodies have their own limits (`web.limits`), idle connections the server's keep-alive time."""

    _ending: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._ending is None and (self.cycle is None or self.cycle.response_complete):
            self._await_headers()
        self._received += len(data)
        super().data_received(data)
        if self._ending is not None and self._received > HEADER_LIMIT and not self.transport.is_closing():
            self.send_400_response("The headers are too large.")

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_headers(self) -> None:
        self._received = 0
        self._ending = self.loop.call_later(HEADER_TIME, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
