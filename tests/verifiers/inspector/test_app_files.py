"""What `/inspector/` serves: every file with its type and policy, one version for all of them, and nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from verifiers.inspector import files as app_files
from verifiers.inspector.files import FOLDER, read_app_files
from verifiers.inspector.serving import HEADERS, inspector_router
from web.browser import packages

PACKED = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(inspector_router())
    with TestClient(app, base_url="http://localhost:8001") as client:
        yield client


@pytest.fixture(scope="module")
def listed(client: TestClient) -> dict[str, list[str]]:
    """What the service worker keeps: path → SHA-256 and type."""
    found = re.search(r"^const FILES = (.*);$", client.get("/inspector/sw.js").text, re.MULTILINE)
    assert found
    files: dict[str, list[str]] = json.loads(found[1])
    return files


def version_of(client: TestClient) -> str:
    found = re.search(r'src="([0-9a-f]{16})/app/main\.js"', client.get("/inspector/").text)
    assert found
    return found[1]


def test_the_service_worker_lists_every_file_with_its_digest_and_type(
    client: TestClient, listed: dict[str, list[str]]
) -> None:
    version = version_of(client)
    for path, (digest, media_type) in listed.items():
        answer = client.get(f"/inspector/{path}")
        assert answer.status_code == 200, path
        assert hashlib.sha256(answer.content).hexdigest() == digest, path
        assert answer.headers["content-type"] == media_type, path
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        lasting = path.startswith(f"{version}/")
        assert ("immutable" in answer.headers["cache-control"]) == lasting, path
    own = {file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*") if file.suffix in (".js", ".css")}
    assert {f"{version}/{name}" for name in own - {"sw.js"}} <= listed.keys()
    assert {"", "manifest.webmanifest", f"{version}/vendor/zxing-wasm/dist/reader/zxing_reader.wasm"} <= listed.keys()


def test_every_import_of_a_script_leads_to_a_file_that_is_served(listed: dict[str, list[str]]) -> None:
    # The worker stands above all versions.
    names = {path.partition("/")[2] for path in listed} | {"../sw.js"}
    for folder in ("app", "src"):
        for script in (FOLDER / folder).rglob("*.js"):
            for there in re.findall(r'(?:from|import\(|new URL\() ?"(\.[^"]+\.\w+)"', script.read_text()):
                target = os.path.relpath(script.parent / there, FOLDER)
                assert target in names, f"{script.name} → {there}"


def test_types_are_those_that_browsers_insist_on(listed: dict[str, list[str]]) -> None:
    types = {Path(path).suffix: media_type for path, (_, media_type) in listed.items() if path}
    assert types[".wasm"] == "application/wasm"
    assert types[".js"] == "text/javascript; charset=utf-8"
    assert types[".webmanifest"] == "application/manifest+json"
    assert types[".gz"] == "application/octet-stream"


def test_the_policy_lets_the_camera_and_webassembly_in_and_nothing_foreign(client: TestClient) -> None:
    headers = client.get("/inspector/").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["worker-src"] == policy["connect-src"] == policy["manifest-src"] == "'self'"
    assert policy["img-src"] == "'self' blob: data:"
    assert "camera=(self)" in headers["permissions-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", client.get("/inspector/").text)


def test_large_files_travel_packed_and_known_ones_not_at_all(client: TestClient, listed: dict[str, list[str]]) -> None:
    wasm = next(path for path in listed if path.endswith("zxing_reader.wasm"))
    with client.stream("GET", f"/inspector/{wasm}", headers=PACKED) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == listed[wasm][0]
    assert len(packed) < 500_000
    known = client.get("/inspector/").headers["etag"]
    again = client.get("/inspector/", headers={"If-None-Match": known})
    assert (again.status_code, again.content) == (304, b"")


def test_the_manifest_makes_it_an_app(client: TestClient) -> None:
    manifest = client.get("/inspector/manifest.webmanifest").json()
    assert manifest["id"] == "/inspector/"
    assert manifest["name"] == "Ausweisprüfung"
    assert (manifest["display"], manifest["orientation"]) == ("standalone", "any")
    sizes = {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]}
    assert sizes == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    for icon in manifest["icons"]:
        picture = Image.open(io.BytesIO(client.get(f"/inspector/{icon['src']}").content))
        assert f"{picture.width}x{picture.height}" == icon["sizes"]


@pytest.mark.parametrize(
    "path",
    [
        "app/main.js",  # without its version nothing lasts
        "0123456789abcdef/app/main.js",
        "{version}/app/serving.py",
        "{version}/package.json",
        "{version}/../serving.py",
        "{version}/vendor/htmx.org/dist/htmx.js",
        "{version}/vendor/zxing-wasm/package.json",
    ],
)
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    answer = client.get(f"/inspector/{path.format(version=version_of(client))}")
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["cache-control"] == "no-store"


def test_the_address_without_its_slash_leads_into_the_scope(client: TestClient) -> None:
    answer = client.get("/inspector", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "/inspector/")


def test_any_changed_byte_makes_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_app_files(HEADERS)
    assert read_app_files(HEADERS).version == before.version
    assert read_app_files(HEADERS | {"Referrer-Policy": "origin"}).version != before.version
    copy = tmp_path / "inspector"
    for file in FOLDER.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            target = copy / file.relative_to(FOLDER)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    monkeypatch.setattr(app_files, "FOLDER", copy)
    assert read_app_files(HEADERS).version == before.version
    for name in ("app/app.css", "src/verify.js", "index.html", "sw.js", "manifest.webmanifest"):
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content + b"\n")
        assert read_app_files(HEADERS).version != before.version, name
        (copy / name).write_bytes(content)


def test_without_its_packages_the_service_starts_and_the_page_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_INSTALLED", tmp_path)
    app = FastAPI()
    app.include_router(inspector_router())
    with TestClient(app, base_url="http://localhost:8001") as client:
        page = client.get("/inspector/")
        assert page.status_code == 503
        assert "make setup" in page.text and "vollständig eingerichtet" in page.text
        assert "not completely set up" in client.get("/inspector/?lang=en").text
        assert client.get("/inspector/sw.js").status_code == 404
