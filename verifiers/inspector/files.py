"""The app's files as one version: our own as they are written, those of two npm packages, and icons drawn here.

Read once at the start and kept: a file changed on disk meanwhile would no longer fit the digest that devices compare.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from verifiers.inspector.icons import ICONS, draw_icon
from web.browser.packages import package_file

FOLDER = Path(__file__).parent
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gz": "application/octet-stream",  # the reader of plates unpacks it itself
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
VENDOR = (
    "zxing-wasm/dist/es/reader/index.js",
    "zxing-wasm/dist/es/share.js",
    "zxing-wasm/dist/reader/zxing_reader.wasm",
    "tesseract.js/dist/tesseract.esm.min.js",
    "tesseract.js/dist/worker.min.js",
    "tesseract.js-core/tesseract-core-simd-lstm.wasm.js",
    "@tesseract.js-data/deu/4.0.0_best_int/deu.traineddata.gz",
)
"""What is served of npm packages, by the path below node_modules, and nothing else of them."""

START = ""
MANIFEST = "manifest.webmanifest"
WORKER = "sw.js"


@dataclass(frozen=True, slots=True)
class AppFile:
    """A file's bytes and their type; `sha256` is lowercase hex."""

    content: bytes = field(repr=False)
    media_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class AppFiles:
    """All files of one version. `lasting`: below `<version>/`, never changed; `current`: at addresses that stay.

    `current` has the page itself (path ""), the manifest and the icons; `worker` is the service worker's script.
    """

    version: str
    lasting: Mapping[str, AppFile]
    current: Mapping[str, AppFile]
    worker: AppFile

    def find(self, path: str) -> tuple[AppFile, bool] | None:
        """The file at a path below the app's address, and whether it may be kept for good."""
        if path == WORKER:
            return self.worker, False
        if path in self.current:
            return self.current[path], False
        version, _, rest = path.partition("/")
        found = self.lasting.get(rest) if version == self.version else None
        return (found, True) if found else None


def read_app_files(headers: Mapping[str, str]) -> AppFiles:
    """Read everything; `headers` go with each answer of the service worker. Raises `PackagesMissing`."""
    lasting = {path: _app_file(path, content) for path, content in _own_and_vendor()}
    current = {MANIFEST: _read(MANIFEST)} | {icon.path: _app_file(icon.path, draw_icon(icon)) for icon in ICONS}
    page, worker = ((FOLDER / name).read_text() for name in ("index.html", WORKER))
    version = _version({**lasting, **current, "index.html": _read("index.html"), WORKER: _read(WORKER)}, headers)
    current[START] = _app_file("index.html", Template(page).substitute(version=version).encode())
    listed = {f"{version}/{path}": file for path, file in lasting.items()} | current
    constants = {
        "VERSION": version,
        "HEADERS": dict(headers),
        "FILES": {path: [file.sha256, file.media_type] for path, file in sorted(listed.items())},
    }
    script = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items()) + worker
    return AppFiles(version, lasting, current, _app_file(WORKER, script.encode()))


def _own_and_vendor() -> Iterator[tuple[str, bytes]]:
    for folder, suffixes in (("src", {".js"}), ("app", {".js", ".css"})):
        for path in sorted((FOLDER / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path.relative_to(FOLDER).as_posix(), path.read_bytes()
    for name in VENDOR:
        yield f"vendor/{name}", package_file(name).read_bytes()


def _read(name: str) -> AppFile:
    return _app_file(name, (FOLDER / name).read_bytes())


def _app_file(path: str, content: bytes) -> AppFile:
    return AppFile(content, MEDIA_TYPES[Path(path).suffix], hashlib.sha256(content).hexdigest())


def _version(files: Mapping[str, AppFile], headers: Mapping[str, str]) -> str:
    """16 hex digits that change with any byte of any file."""
    listed = [(path, file.sha256) for path, file in sorted(files.items())]
    return hashlib.sha256(json.dumps([listed, sorted(headers.items())]).encode()).hexdigest()[:16]
