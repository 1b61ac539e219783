"""What others fetch from the issuing service for a pass: the picture that Google shows."""

from __future__ import annotations

import io

from PIL import Image

from issuers.wallets.google.logo import EDGE
from tests.issuers.api.conftest import Service


def test_the_picture_on_google_passes_is_there_without_a_login(service: Service) -> None:
    answer = service.client.get("/logo.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(answer.content)).size == (EDGE, EDGE)
