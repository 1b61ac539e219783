"""`walletpass serve issuer`: the issuing service, until it is interrupted."""

from __future__ import annotations

from typing import Annotated

import typer

from issuers.app import create_app
from issuers.commands.console import open_office
from issuers.installing import bring_up_to_date
from web import edge


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; WALLETPASS_HOST.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; WALLETPASS_PORT.")] = 0,
) -> None:
    """Serve the API, the published documents and their hourly re-signing."""
    office = open_office()
    bring_up_to_date(office)
    settings = office.settings
    edge.serve(create_app(office), host or settings.host, port or settings.port, settings.trusted_proxies)
