"""What can be wrong with a webhook, before anything is sent."""

from __future__ import annotations

from keys.errors import WalletPassError


class WebhookAddressInvalid(WalletPassError):
    """The address cannot be a webhook's."""

    code = "webhook_address_invalid"
    wrong_usage = True


class WebhookEventUnknown(WalletPassError):
    """No event has this name."""

    code = "webhook_event_unknown"
    wrong_usage = True


class WebhookNotFound(WalletPassError):
    """No webhook, or no message, has this identifier."""

    code = "webhook_not_found"
    wrong_usage = True


class WebhookDisabled(WalletPassError):
    """Nothing is sent to a webhook that is disabled."""

    code = "webhook_disabled"
    wrong_usage = True


class WebhookTimeInvalid(WalletPassError):
    """A time that cannot be read."""

    code = "webhook_time_invalid"
    wrong_usage = True


class WebhookNotDelivered(WalletPassError):
    """A message that was just sent did not arrive."""

    code = "webhook_not_delivered"
