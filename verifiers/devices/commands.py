"""`walletpass devices`: invite inspectors' devices, list them, and end what must not work any longer."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import qrcode
import typer

from keys.atomic_file import write_private
from verifiers.devices.device import Device
from verifiers.devices.devices import Devices
from verifiers.devices.errors import DeviceInvalid
from verifiers.devices.invitation import invitation_link
from verifiers.devices.scope import read_scope
from verifiers.devices.store import device_store
from verifiers.settings import read_settings
from walletpass.pass_types import load_catalogue
from walletpass.passes import LOCAL_ZONE

_PIXELS = 8  # of a module of the QR code

app = typer.Typer(no_args_is_help=True, help="Inspectors' devices.")

DeviceId = Annotated[str, typer.Argument(metavar="ID", help="As `walletpass devices list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the device is called in lists, such as Handy 7.")],
    pass_type: Annotated[list[str] | None, typer.Option("--type", help="Only this type; may be given again.")] = None,
    zone: Annotated[list[str] | None, typer.Option(help="Only this zone; may be given again.")] = None,
    shift: Annotated[
        str, typer.Option(help='When it works: "12345 06:00-22:00", 1 is Monday; without it always.')
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Draw the link as a QR code into this PNG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Invite a device. The link is printed once, is good once, for a day; open or scan it on the device."""
    settings, devices = read_settings(), Devices(device_store())
    types = [load_catalogue().named(each).name for each in pass_type or ()]
    device, code = devices.invite(name, read_scope(types, zone or (), shift))
    link = invitation_link(settings, code)
    sys.stderr.write(f"Device {device.id} is invited for a day. This link is shown only this once.\n")
    typer.echo(json.dumps(_document(device) | {"link": link}, ensure_ascii=False) if as_json else link)
    if out is not None:
        _draw(link, out)


@app.command("list")
def list_devices(as_json: AsJson = False) -> None:
    """List all devices: state, last contact, scans that wait there."""
    devices = Devices(device_store()).all()
    if as_json:
        typer.echo(json.dumps([_document(device) for device in devices], ensure_ascii=False))
        return
    for device in devices:
        waiting = f"{device.reported.get('waiting', 0)} waiting"
        typer.echo(
            f"{device.id}  {device.state.value:9}  {_when(device.last_contact_at):16}  {waiting:11}  {device.name}"
        )


@app.command()
def rename(device_id: DeviceId, name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Give a device another name."""
    device = Devices(device_store()).rename(device_id, name)
    sys.stderr.write(f"Device {device.id} is now called {device.name}.\n")


@app.command()
def suspend(device_id: DeviceId) -> None:
    """Let a device hand in what it has, and give it nothing, until it is resumed."""
    _order(Devices.suspend, device_id)


@app.command()
def resume(device_id: DeviceId) -> None:
    """End a suspension."""
    _order(Devices.resume, device_id)


@app.command()
def revoke(device_id: DeviceId) -> None:
    """End a device, or its invitation, for good. Nothing more is taken from it."""
    _order(Devices.revoke, device_id)


@app.command()
def wipe(device_id: DeviceId) -> None:
    """End a device for good, and let it delete everything, scans that wait too, when it hears of it."""
    _order(Devices.wipe, device_id)


def _order(order: Callable[[Devices, str], Device], device_id: str) -> None:
    device = order(Devices(device_store()), device_id)
    sys.stderr.write(f"Device {device.id} ({device.name}) is {device.state.value}.\n")


def _draw(link: str, file: Path) -> None:
    """Readable by its owner only: for a day it makes anybody's browser a device."""
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, box_size=_PIXELS)
    code.add_data(link)
    picture = io.BytesIO()
    code.make_image().save(picture, "PNG")
    try:
        write_private(file, picture.getvalue())
    except OSError as failure:
        raise DeviceInvalid(f"The QR code cannot be written to {file}: {failure.strerror}.") from None


def _when(at: int | None) -> str:
    return "never heard from" if at is None else f"{datetime.fromtimestamp(at, LOCAL_ZONE):%Y-%m-%d %H:%M}"


def _document(device: Device) -> dict[str, object]:
    return {
        "id": device.id,
        "name": device.name,
        "state": device.state.value,
        "pass_types": device.scope.pass_types,
        "zones": device.scope.zones,
        "shift": str(device.scope.shift) if device.scope.shift else None,
        "created_at": device.created_at,
        "invited_until": device.invited_until,
        "enrolled_at": device.enrolled_at,
        "ended_at": device.ended_at,
        "last_contact_at": device.last_contact_at,
        "reported": device.reported,
    }
