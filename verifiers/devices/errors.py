"""What can be refused to a device, or to those who look after devices."""

from __future__ import annotations

from keys.errors import WalletPassError

_NOT_GOOD = 'DPoP error="invalid_token", algs="ES256"'  # RFC 9449 section 7.1


class DeviceUnknown(WalletPassError):
    """The request carries no token of a device, or one that no device has."""

    code = "device_unknown"
    challenge = _NOT_GOOD


class DeviceRevoked(WalletPassError):
    """The device's rights have ended; nothing is taken from it."""

    code = "device_revoked"
    challenge = _NOT_GOOD


class DeviceWiped(WalletPassError):
    """The device's rights have ended, and it is to delete everything."""

    code = "device_wiped"
    challenge = _NOT_GOOD


class DeviceSuspended(WalletPassError):
    """The device may hand in what it has, and nothing else."""

    code = "device_suspended"


class EnrolmentRefused(WalletPassError):
    """The code is unknown, used or too old; which of them is not said."""

    code = "enrolment_refused"


class DeviceNotFound(WalletPassError):
    """No device has this identifier."""

    code = "device_not_found"
    wrong_usage = True


class DeviceInvalid(WalletPassError):
    """A name or scope that a device cannot have."""

    code = "device_invalid"
    wrong_usage = True


class DeviceStateInvalid(WalletPassError):
    """What was asked cannot be done to a device in this state."""

    code = "device_state_invalid"
    wrong_usage = True


STATUSES = {
    "device_unknown": 401,
    "device_revoked": 401,
    "device_wiped": 401,
    "device_suspended": 403,
    "enrolment_refused": 403,
    "device_not_found": 404,
    "device_invalid": 422,
    "device_state_invalid": 409,
}
"""HTTP statuses by code, for the edge."""
