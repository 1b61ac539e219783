"""The verifying service, put together. It opens the published documents, the trust anchor and its own folder only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import FastAPI
from starlette.formparsers import MultiPartParser

from verifiers.api.counts import counts_router
from verifiers.api.devices import PREFIX as DEVICE_PREFIX
from verifiers.api.devices import devices_router
from verifiers.api.scans import BODY_LIMITS as SCAN_LIMITS
from verifiers.api.scans import STATUSES as SCAN_STATUSES
from verifiers.api.scans import scans_router
from verifiers.api.verifications import QuickChecks, verifications_router
from verifiers.check_page import check_page_router
from verifiers.database import open_database
from verifiers.desk.office import DeskOffice, make_desk
from verifiers.desk.staff import open_staff
from verifiers.desk.start import desk_router
from verifiers.devices.access import DeviceAccess
from verifiers.devices.briefing import Briefing
from verifiers.devices.day_keys import DayKeys
from verifiers.devices.devices import Devices
from verifiers.devices.errors import STATUSES as DEVICE_STATUSES
from verifiers.devices.store import open_devices
from verifiers.images import MAX_BYTES
from verifiers.inspector.serving import inspector_router
from verifiers.judging import Judge
from verifiers.known import Known
from verifiers.mirror import mirror_router
from verifiers.models import PROOFS
from verifiers.picture_queue import PictureQueue
from verifiers.published import read_anchor
from verifiers.scans.cases import Cases
from verifiers.scans.counts_key import CountsKey
from verifiers.scans.retention import Retention, RetentionThread
from verifiers.scans.scan_log import ScanLog
from verifiers.scans.store import open_scans
from verifiers.scans.uses import Uses
from verifiers.settings import VerifierSettings
from verifiers.tokens import open_tokens
from verifiers.webhooks.delivery import Delivery, WebhookMetrics
from verifiers.webhooks.delivery_thread import DeliveryThread
from verifiers.webhooks.sending import Sender
from verifiers.webhooks.store import open_webhooks
from verifiers.webhooks.webhooks import Webhooks
from web.bearer import BearerTokens
from web.dpop import FreshNonces, Proofs
from web.edge import Service, fit_edge
from web.limits import RateLimit
from web.staff.accounts import Accounts
from web.staff.passwords import PasswordHasher

UPLOAD_LIMIT = MAX_BYTES + (64 << 10)  # bytes: the largest picture and the form around it
STATUSES = {"image_unreadable": 422, "image_too_large": 413, "no_code_found": 422, "pictures_busy": 503}
STATUSES |= DEVICE_STATUSES | SCAN_STATUSES
BODY_LIMITS = {"/api/v1/verifications/image": UPLOAD_LIMIT, "/check": UPLOAD_LIMIT, **SCAN_LIMITS}


def create_app(settings: VerifierSettings) -> FastAPI:
    """The application. Raises `AnchorInvalid` or `AddressInvalid` when it could never verify anything."""
    MultiPartParser.spool_max_size = UPLOAD_LIMIT  # a photo of somebody's pass is never written to disk
    known = Known(settings)
    engine = open_database(settings)
    store = open_scans(settings, engine)
    retention = RetentionThread(Retention(store, settings.scan_retention_days, settings.case_retention_days))

    webhook_store = open_webhooks(settings, engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        known.start(Webhooks(webhook_store).tell_lists)
        retention.start()
        deliveries.start()
        yield
        deliveries.stop()
        retention.stop()
        known.stop()

    app = Service(
        title="walletpass verifying service",
        summary="A presentation in, a verdict out.",
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    metrics = fit_edge(app, STATUSES, known.missing, BODY_LIMITS)
    sender = Sender(settings.webhook_private_networks)
    deliveries = DeliveryThread(Delivery(webhook_store, sender, WebhookMetrics(webhook_store, metrics.registry)))
    judge = Judge(known, metrics.registry)
    tokens = BearerTokens(open_tokens(settings, engine), settings.verifier_checks_per_minute)
    app.answer_quickly(QuickChecks(judge, tokens), metrics, STATUSES)
    pictures = PictureQueue()
    app.include_router(verifications_router(judge, tokens, pictures))
    app.include_router(check_page_router(judge, RateLimit(settings.verifier_page_per_minute), pictures))
    app.include_router(counts_router(store, CountsKey.open(settings.verifier_home), settings.desk_origin, tokens))
    app.include_router(mirror_router(lambda: known.mirror))
    app.include_router(inspector_router())
    devices, cases = Devices(open_devices(settings, engine)), Cases(store, settings.verifier_home)
    uses = Uses(store, settings.double_use_minutes)
    staff, hasher = open_staff(settings, engine), PasswordHasher()
    desk = make_desk(staff, settings, hasher)
    app.include_router(
        desk_router(DeskOffice(desk, settings, devices, known, store, uses, cases, Accounts(staff, hasher)))
    )
    _let_devices_in(app, settings, known, devices, ScanLog(store, uses, known.type_names), uses, cases)
    return app


def _let_devices_in(
    app: FastAPI,
    settings: VerifierSettings,
    known: Known,
    devices: Devices,
    log: ScanLog,
    uses: Uses,
    cases: Cases,
) -> None:
    proofs = Proofs(devices.store.engine, PROOFS, devices.store.seal.digest("DPoP nonces"))
    access = DeviceAccess(devices, proofs, settings.desk_origin)
    briefing = Briefing(
        settings,
        known,
        DayKeys(devices.store, known),
        read_anchor(settings.anchor_path).public_bytes(Encoding.PEM).decode(),
        json.loads(cases.desk_key()),
        uses.told,
    )
    app.include_router(scans_router(access, log, uses, cases))
    app.include_router(devices_router(devices, access, proofs, briefing))
    app.add_middleware(FreshNonces, proofs=proofs, prefix=f"{DEVICE_PREFIX}/")
