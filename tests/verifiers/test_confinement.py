"""The verifying service opens the published documents, the trust anchor and its own folder, nothing else of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.verifiers.pictures import as_bytes, qr_picture
from tests.verifiers.sample_city import SampleCity

_SERVICE = """
import json, os, sys, time
opened = set()
def watch(event, args):
    if event in ("open", "sqlite3.connect", "os.mkdir", "os.rename", "os.remove", "os.listdir", "os.scandir"):
        opened.add((event, str(args[0])))
    if event in ("subprocess.Popen", "os.exec", "os.system", "socket.connect"):
        opened.add((event, "forbidden"))
sys.addaudithook(watch)

from starlette.testclient import TestClient
from verifiers.app import create_app
from verifiers.settings import VerifierSettings
from verifiers.tokens import open_tokens

settings = VerifierSettings(refresh_interval=0.05)
secret = open_tokens(settings).create("Handheld", {("*", "verify")}, int(time.time()), None)[1]
text, picture = open(0, "rb").read().split(b"\\n", 1)
with TestClient(create_app(settings)) as client:
    deadline = time.monotonic() + 60
    while client.get("/readyz").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    headers = {"Authorization": f"Bearer {secret}"}
    answers = [
        client.post("/api/v1/verifications", json={"presentation": text.decode()}, headers=headers).json(),
        client.post("/api/v1/verifications/image", files={"image": ("a.png", picture)}, headers=headers).json(),
    ]
    client.get("/"), client.get("/metrics"), client.get("/static/site.css"), client.get("/desk/sign-in")
    client.post("/check", files={"image": ("a.png", picture + bytes(3_000_000))})
sys.stderr.write("\\x00" + json.dumps({"opened": sorted(opened), "outcomes": [a.get("outcome") for a in answers]}))
"""


def test_the_service_opens_nothing_but_what_it_may(tmp_path: Path) -> None:
    city = SampleCity(tmp_path / "home", now=int(time.time()) - 60)
    city.publish()
    (city.home / "issuer").mkdir()
    (city.home / "issuer" / "issuer.db").write_bytes(b"secret")
    content = city.qr().encode() + b"\n" + as_bytes(qr_picture(city.qr(), 4))
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    environment = {"PATH": os.environ["PATH"], "WALLETPASS_HOME": str(city.home), "TMPDIR": str(scratch)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", _SERVICE],
        env=environment,
        input=content,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    report = json.loads(done.stderr.decode().rpartition("\x00")[2])
    assert report["outcomes"] == ["accepted", "accepted"]
    own = ("published", "anchor.pem", "verifier")
    below_home = [path for _, path in report["opened"] if path.startswith(str(city.home) + "/")]
    assert {Path(path).relative_to(city.home).parts[0] for path in below_home} == set(own)
    assert not [path for _, path in report["opened"] if path == "forbidden" or path.startswith(str(scratch))]
    code = (str(Path(__file__).parents[2]), sys.prefix, sys.base_prefix, "/usr", "/etc", "/proc", "/dev", "/lib")
    elsewhere = [
        path for _, path in report["opened"] if path.startswith("/") and not path.startswith((*code, str(city.home)))
    ]
    assert elsewhere == []
    writing = [path for event, path in report["opened"] if event in ("os.mkdir", "os.rename", "sqlite3.connect")]
    assert all("/verifier" in path for path in writing)
