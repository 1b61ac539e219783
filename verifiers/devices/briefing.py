"""What a device is told: its name and scope, the documents there are, the keys it lacks, and warnings of its scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from verifiers.devices.day_keys import DayKeys, Kids, is_for_parking
from verifiers.devices.device import Device, DeviceState
from verifiers.known import Known
from verifiers.settings import VerifierSettings

Warnings = Callable[[str], Sequence[Mapping[str, object]]]
"""Device id → what it is to be told of its scans, once (`verifiers.scans`)."""

_PLATES = "plates/"


@dataclass(frozen=True, slots=True)
class Briefing:
    """`anchor` is the trust anchor (PEM), `desk_key` the public JWK that cases are encrypted for."""

    settings: VerifierSettings
    known: Known
    keys: DayKeys
    anchor: str
    desk_key: Mapping[str, str]
    warnings: Warnings

    def at_enrolment(self, device: Device) -> dict[str, object]:
        """All but the token. The device compares the anchor with the digest in its invitation."""
        now = self.keys.store.now()
        return {"device": self.of_device(device), "anchor": self.anchor, "server_time": now}

    def at_contact(self, device: Device, held: Kids) -> dict[str, object]:
        """`held`: the keys it says it has. A suspended device is given no key, and documents all the same."""
        now = self.keys.store.now()
        active = device.state is DeviceState.ACTIVE
        return {
            "server_time": now,
            "device": self.of_device(device),
            "documents": self._documents(device),
            "keys": self.keys.for_device(device, held, now) if active else {"plate": [], "use": []},
            "warnings": list(self.warnings(device.id)),
        }

    def of_device(self, device: Device) -> dict[str, object]:
        """A device as it is told of itself."""
        return {
            "id": device.id,
            "name": device.name,
            "state": device.state.value,
            "pass_types": device.scope.pass_types,
            "zones": device.scope.zones,
            "shift": device.scope.shift.document() if device.scope.shift else None,
            "lock_after_days": self.settings.device_lock_days,
            "lookups_per_hour": self.settings.device_lookups_per_hour,
            "double_use_minutes": self.settings.double_use_minutes,
            "desk_key": self.desk_key,
        }

    def _documents(self, device: Device) -> dict[str, str]:
        """ETags by path below /published/; plate lists only for whoever may look plates up."""
        parking = is_for_parking(device, self.known.current)
        documents = self.known.mirror.items()
        return {path: found.etag for path, found in documents if parking or not path.startswith(_PLATES)}
