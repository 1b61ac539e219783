"""`walletpass webhooks`: make, list, try and end webhooks; list their messages and send them again."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from verifiers.settings import read_settings
from verifiers.webhooks.delivery import Delivery
from verifiers.webhooks.errors import WebhookNotDelivered, WebhookTimeInvalid
from verifiers.webhooks.sending import Sender
from verifiers.webhooks.store import open_webhooks
from verifiers.webhooks.webhooks import Message, Webhook, Webhooks
from walletpass.passes import LOCAL_ZONE

STATES = ("waiting", "delivered", "given_up")
app = typer.Typer(no_args_is_help=True, help="Other systems that are told what happens here.")

WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="As `webhooks list` shows it.")]
OneWebhook = Annotated[str, typer.Option("--webhook", help="Of this webhook only.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
def create(
    url: Annotated[str, typer.Argument(help="Where messages are sent to; https://.")],
    event: Annotated[list[str] | None, typer.Option(help="Only this event; may be given again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a webhook. Its secret is printed once; the receiver checks signatures with it."""
    made, secret = _webhooks().create(url, event or ())
    if as_json:
        typer.echo(json.dumps(_document(made) | {"secret": secret}))
        return
    sys.stderr.write(f"Webhook {made.id} for {made.url}. Keep its secret now: it is shown only this once.\n")
    typer.echo(secret)


@app.command("list")
def list_webhooks(as_json: AsJson = False) -> None:
    """List all webhooks, without their secrets."""
    found = _webhooks().all()
    if as_json:
        typer.echo(json.dumps([_document(webhook) for webhook in found]))
        return
    for webhook in found:
        events = " ".join(sorted(webhook.events)) or "all events"
        typer.echo(f"{webhook.id}  {_state(webhook):8}  {webhook.url}  {events}")


@app.command()
def test(webhook_id: WebhookId) -> None:
    """Send a test message now and say what came of it; it ends with 1 when it did not arrive."""
    settings = read_settings()
    store = open_webhooks(settings)
    message_id = Webhooks(store).test(webhook_id)
    answer = Delivery(store, Sender(settings.webhook_private_networks)).attempt(message_id)
    if answer is not None and not answer.delivered:
        raise WebhookNotDelivered(f"The message {message_id} did not arrive ({answer.word}); it is sent again later.")
    sys.stderr.write(f"The message {message_id} was {'delivered' if answer else 'taken over by the service'}.\n")


@app.command()
def replay(
    message_id: Annotated[
        list[str] | None, typer.Argument(metavar="MESSAGE", help="As `webhooks messages` shows them.")
    ] = None,
    since: Annotated[str, typer.Option(help="All since this time, such as 2027-03-31 or 2027-03-31T12:00.")] = "",
    webhook: OneWebhook = "",
) -> None:
    """Send messages again, each with its own id; the running service does it."""
    webhooks, moment = _webhooks(), _time(since) if since else None
    if (moment is None) != bool(message_id):
        raise WebhookTimeInvalid("Name either messages or --since.")
    for each in message_id or ():
        webhooks.replay(each)
    count = len(message_id or ()) if moment is None else webhooks.replay_since(moment, webhook)
    sys.stderr.write(f"{count} messages are sent again.\n")


@app.command()
def disable(webhook_id: WebhookId) -> None:
    """Send nothing more to a webhook, for good; what waits for it is given up."""
    _webhooks().disable(webhook_id)
    sys.stderr.write(f"The webhook {webhook_id} is disabled.\n")


@app.command()
def messages(
    webhook: OneWebhook = "",
    state: Annotated[str, typer.Option(help=f"Only those that are {', '.join(STATES)}.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the newest messages and what came of them."""
    if state and state not in STATES:
        raise typer.BadParameter(f"There are {', '.join(STATES)}.")
    found = _webhooks().messages(webhook, state)
    if as_json:
        typer.echo(json.dumps([asdict(message) | {"state": message.state} for message in found]))
        return
    for message in found:
        typer.echo(_line(message))


def _webhooks() -> Webhooks:
    return Webhooks(open_webhooks(read_settings()))


def _line(message: Message) -> str:
    written = f"{datetime.fromtimestamp(message.created_at, LOCAL_ZONE):%Y-%m-%d %H:%M:%S}"
    tried = f"{message.attempts} attempts, {message.answer or 'no answer yet'}"
    again = f", again at {datetime.fromtimestamp(message.next_at, LOCAL_ZONE):%H:%M:%S}" if message.next_at else ""
    return f"{written}  {message.id}  {message.webhook_id}  {message.state:9}  {message.event}  {tried}{again}"


def _time(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
        return int((found if found.tzinfo else found.replace(tzinfo=LOCAL_ZONE)).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        raise WebhookTimeInvalid("--since takes a time such as 2027-03-31 or 2027-03-31T12:00.") from None


def _state(webhook: Webhook) -> str:
    return "active" if webhook.disabled_at is None else "disabled"


def _document(webhook: Webhook) -> dict[str, object]:
    return asdict(webhook) | {"events": sorted(webhook.events), "state": _state(webhook)}
