"""The client for machines, as others get it: built as a wheel, alone in an environment, against the running service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.test_architecture import LAYERS, house, imported, python_files, within
from tests.verifiers.pictures import as_bytes, qr_picture
from tests.verifiers.sample_city import CLAIMS, SampleCity
from tests.verifiers.test_serving import free_port, ready, serve
from tests.verifiers.webhooks.receiver import Receiver
from verifiers.settings import VerifierSettings
from verifiers.tokens import open_tokens
from verifiers.webhooks.events import message_body
from verifiers.webhooks.signing import new_secret, secret_text, signed_headers

CLIENT = Path(__file__).parents[2] / "verifiers" / "client"
UV = Path(sys.executable).with_name("uv")
_GATE = """
import json, sys, time
from walletpass_client import NotJudged, Outcome, Verifier, WebhookInvalid, verify_webhook
asked = json.load(sys.stdin)
def told(call):
    try:
        found = call()
    except (NotJudged, WebhookInvalid, ValueError) as problem:
        return type(problem).__name__, getattr(problem, "code", "")
    return found.outcome if hasattr(found, "outcome") else found.type, getattr(found, "reason", "")
"""
_ASK = """
with Verifier(asked["address"], asked["token"]) as verifier:
    good = verifier.verify(asked["text"])
    assert good.outcome is Outcome.ACCEPTED
    answers = [
        told(lambda: verifier.verify(asked["text"][:-2] + "00")),
        told(lambda: verifier.verify("")),
        told(lambda: verifier.verify_image(open(asked["picture"], "rb").read())),
        told(lambda: verifier.verify_image(b"no picture")),
        told(lambda: Verifier(asked["address"], "wpt_wrong").verify("WP1:")),
        told(lambda: Verifier("http://127.0.0.1:9", "x").verify("WP1:")),
        told(lambda: Verifier(asked["address"] + "/nowhere", "x").verify("WP1:")),
        told(lambda: Verifier("http://example.org", "x")),
    ]
try:
    verifier.verify("WP1:")
    raise SystemExit("a closed client")
except Exception as problem:
    answers.append((type(problem).__name__, ""))
json.dump({"claims": dict(good.claims), "until": str(good.valid_until), "answers": answers}, sys.stdout)
"""
_ALONE = """
import importlib.util, sys
ours = ("verifiers", "issuers", "web", "walletpass", "keys")
sys.exit(" ".join(name for name in ours if importlib.util.find_spec(name)) or 0)
"""
_PERSIST = """
with Verifier(asked["address"], "x", timeout=0.5) as verifier:
    for name in asked["texts"]:
        print(*told(lambda: verifier.verify(name)))
"""
_WEBHOOK = """
for change in asked["changes"]:
    headers = asked["headers"] | change.get("headers", {})
    secret, body = change.get("secret", asked["secret"]), change.get("body", asked["body"]).encode()
    print(told(lambda: verify_webhook(secret, headers, body, asked["now"] + change.get("later", 0)))[0])
"""


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that holds the built client and what it depends on."""
    folder = tmp_path_factory.mktemp("client")
    certificates = ["--system-certs"] if Path("/etc/ssl/certs/ca-certificates.crt").exists() else []
    uv = [str(UV), *certificates]
    built = ["--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(folder / "dist")]
    source = shutil.copytree(CLIENT, folder / "source")  # building leaves things behind
    run(*uv, "build", *built, str(source))
    [wheel] = (folder / "dist").glob("*.whl")
    run(*uv, "venv", "--python", sys.executable, str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    run(*uv, "pip", "install", "--python", str(python), str(wheel))
    return python


def gate(python: Path, program: str, asked: dict[str, Any], folder: Path) -> str:
    """Runs a program with the client in that environment, away from this repository."""
    environment = {"PATH": os.environ["PATH"]}
    return run(str(python), "-c", _GATE + program, input=json.dumps(asked), cwd=folder, env=environment).stdout


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[SampleCity, str, str]]:
    """A city, the address of its running service and a token."""
    city = SampleCity(tmp_path / "home", now=int(time.time()) - 60)
    city.publish()
    secret = open_tokens(VerifierSettings(home=city.home)).create("Gate", {("*", "verify")}, int(time.time()), None)[1]
    port = free_port()
    process = serve(city.home, port)
    assert any(ready(port, process) for _ in range(3))
    yield city, f"http://127.0.0.1:{port}", secret
    process.kill()
    process.communicate()


def test_the_client_needs_nothing_of_ours_and_nothing_of_ours_needs_it() -> None:
    allowed, inside, outside = sys.stdlib_module_names | {"httpx2"}, set(), set()
    for path, module in python_files(house(), *LAYERS):
        (inside if path.startswith("verifiers/client/") else outside).update(imported(path, module))
    assert {name.split(".")[0] for name in inside} <= allowed
    assert not [name for name in outside if within(name, "walletpass_client") or within(name, "verifiers.client")]
    assert inside and outside


def test_a_gate_gets_verdicts_and_never_one_that_nobody_gave(
    python: Path, service: tuple[SampleCity, str, str], tmp_path: Path
) -> None:
    city, address, token = service
    picture = tmp_path / "picture.png"
    picture.write_bytes(as_bytes(qr_picture(city.qr(), 4), "PNG"))
    asked = {"address": address, "token": token, "text": city.qr(), "picture": str(picture)}
    found = json.loads(gate(python, _ASK, asked, tmp_path))
    assert found["claims"] == CLAIMS | {"plates": list(CLAIMS["plates"])}
    assert found["until"].startswith("20")
    assert [tuple(answer) for answer in found["answers"]] == [
        ("refused", "bad_signature"),
        ("refused", "malformed"),
        ("accepted", "accepted"),
        ("NotJudged", "image_unreadable"),
        ("NotJudged", "token_invalid"),
        ("NotJudged", "unreachable"),
        ("NotJudged", "not_found"),
        ("ValueError", ""),
        ("RuntimeError", ""),
    ]


def test_a_check_is_repeated_until_somebody_answers_and_nonsense_is_no_verdict(python: Path, tmp_path: Path) -> None:
    verdict = {"outcome": "accepted", "reason": "accepted", "pass_type": "p", "claims": None, "valid_until": None}
    verdict |= {"steps": [], "status_age_seconds": None}
    problem = {"code": "too_many_requests", "detail": "Later."}
    answers: dict[str, list[tuple[int, object]]] = {
        "at last": [(503, {}), (502, "<html>"), (200, verdict)],
        "never": [(503, problem | {"code": "starting"})] * 3,
        "page": [(200, "<html>captive portal</html>")],
        "other": [(200, verdict | {"outcome": "perhaps"})],
        "less": [(200, {"outcome": "accepted"})],
        "list": [(200, [1])],
        "moved": [(302, verdict)],
        "often": [(429, problem)],
        "crash": [(500, problem | {"code": "internal_error"})],
    }
    waiting = {name: list(each) for name, each in answers.items()}

    def respond(handler: BaseHTTPRequestHandler) -> None:
        name = json.loads(receiver.received[-1].body)["presentation"]
        code, content = waiting[name].pop(0)
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Location", "http://127.0.0.1:9/")
        handler.end_headers()
        handler.wfile.write(body)

    receiver = Receiver()
    receiver.respond = respond
    asked = {"address": f"http://127.0.0.1:{receiver.port}", "texts": list(answers)}
    assert gate(python, _PERSIST, asked, tmp_path).splitlines() == [
        "accepted accepted",
        "NotJudged starting",
        *["NotJudged answer_invalid"] * 5,
        "TooManyChecks too_many_requests",
        "NotJudged internal_error",
    ]
    assert not any(waiting.values())
    receiver.stop()


def test_the_client_stands_alone_and_is_typed(python: Path, tmp_path: Path) -> None:
    run(str(python), "-c", _ALONE, cwd=tmp_path)
    files = run(str(python), "-c", "import walletpass_client as c; print(c.__path__[0])", cwd=tmp_path).stdout.strip()
    assert (Path(files) / "py.typed").exists()
    strict = ["--strict", "--python-executable", str(python), "--cache-dir", str(tmp_path / "mypy")]
    program = tmp_path / "gate.py"
    program.write_text("from walletpass_client import Verdict, Verifier\nv: Verdict = Verifier('', '').verify('')\n")
    run(sys.executable, "-m", "mypy", *strict, str(program), cwd=tmp_path)


def test_a_webhook_of_ours_is_understood_and_a_changed_or_old_one_is_not(python: Path, tmp_path: Path) -> None:
    secret, now = new_secret(), 1_800_000_000
    body = message_body("device.revoked", {"device": "gerät"}, now)
    headers = {name.title(): value for name, value in signed_headers(secret, "msg_1", now, body.encode()).items()}
    asked = {
        "secret": secret_text(secret),
        "headers": headers,
        "body": body,
        "now": now,
        "changes": [
            {},
            {"later": 300},
            {"headers": {"Webhook-Signature": "v2,AAAA v1,AAAA " + headers["Webhook-Signature"]}},
            {"later": 301},
            {"later": -301},
            {"body": body + " "},
            {"secret": secret_text(new_secret())},
            {"secret": "whsec_?"},
            {"headers": {"Webhook-Id": "msg_2"}},
            {"headers": {"Webhook-Timestamp": str(now + 1)}},
            {"headers": {"Webhook-Timestamp": "now"}},
            {"headers": {"Webhook-Signature": "v1,"}},
            {"headers": {"Webhook-Signature": "v1,ä"}},
        ],
    }
    good, rest = 3, len(asked["changes"]) - 3  # type: ignore[arg-type]
    assert gate(python, _WEBHOOK, asked, tmp_path).split() == ["device.revoked"] * good + ["WebhookInvalid"] * rest
