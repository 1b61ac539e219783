"""The edge both services stand behind, put together in one place so that neither forgets a part."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Receive, Scope, Send

from walletpass.errors import WalletPassError
from web.envelope import Envelope
from web.health import Missing, health_router
from web.limits import JSON_LIMIT, BodyLimits
from web.logs import configure_logs
from web.metrics import RequestMetrics
from web.pages import static_files
from web.patience import ImpatientProtocol
from web.problems import install_problems
from web.quick import Quick, QuickLane

MAX_CONNECTIONS = 512  # with more, requests are answered with 503; a process may usually open 1,024 files
IPNetwork = IPv4Network | IPv6Network
# The framework's own telemetry would tell whoever collects it the paths, which may hold serials.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


class Service(FastAPI):
    """A FastAPI of ours: without pages from elsewhere and without telemetry, with quick ways past all its layers."""

    def __init__(self, **described: Any) -> None:
        super().__init__(version="1", docs_url=None, redoc_url=None, telemetry=_NO_TELEMETRY, **described)
        self._lanes: dict[str, ASGIApp] = {}

    def answer_quickly(self, quick: Quick, metrics: RequestMetrics, statuses: Mapping[str, int]) -> None:
        """Ask `quick` first; see `web.quick`. The address itself is declared as any other."""
        self._lanes[quick.path] = QuickLane(quick, super().__call__, metrics, statuses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "POST"
        lane = self._lanes.get(scope["path"]) if asked else None
        await (lane or super().__call__)(scope, receive, send)


def fit_edge(
    app: FastAPI,
    statuses: Mapping[str, int],
    missing: Missing,
    larger_bodies: Mapping[str, int] | None = None,
    streamed_bodies: Mapping[str, int] | None = None,
) -> RequestMetrics:
    """Problem details, limits, headers, logs, health and metrics for `app`; returns its figures.

    `statuses`: HTTP status by error code. `missing`: what readiness still lacks. `larger_bodies`: limits in bytes by
    path prefix, where `JSON_LIMIT` is too small. `streamed_bodies`: the same, for addresses that read the body
    themselves, piece by piece.
    """
    metrics = RequestMetrics()
    install_problems(app, statuses)
    app.include_router(health_router(missing))
    app.include_router(metrics.router())
    app.mount("/static", static_files(), name="static")
    limits = BodyLimits(JSON_LIMIT, larger_bodies or {}, streamed_bodies or {})
    app.add_middleware(Envelope, metrics=metrics, limits=limits)
    return metrics


class AddressTaken(WalletPassError):
    """The service cannot listen where it should."""

    code = "address_taken"
    wrong_usage = True


def serve(app: FastAPI, host: str, port: int, trusted_proxies: Sequence[IPNetwork] = ()) -> None:
    """Run `app` until it is interrupted. Logs go to stderr as JSON lines."""
    require_free(host, port)
    configure_logs()
    structlog.get_logger(__name__).info("service_starts", service=app.title, host=host, port=port)
    uvicorn.run(app, host=host, port=port, **server_options(trusted_proxies))


def require_free(host: str, port: int) -> None:
    """Raise `AddressTaken` when another program listens there already, or nobody may."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as failure:
        raise AddressTaken(f"Port {port} on {host} cannot be used: {failure.strerror}. Choose another.") from None


def server_options(trusted_proxies: Sequence[IPNetwork] = ()) -> dict[str, Any]:
    """How every service of ours is run. X-Forwarded-For and -Proto are believed from `trusted_proxies` only.

    By default the server would believe them from this machine: then whoever reaches it here, or through a proxy that
    passes the header on, would choose the address they are counted by.
    """
    return {
        "http": ImpatientProtocol,
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(trusted_proxies),
        "forwarded_allow_ips": [str(network) for network in trusted_proxies],
        "limit_concurrency": MAX_CONNECTIONS,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 10,
    }
