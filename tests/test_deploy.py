"""What docs/deploy promises is what the code does: addresses, media types, headers, limits.

The proxy's file was tried with a real nginx, each address there and at the service, before it was committed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bench import sizing
from issuers.accept import choose
from issuers.app import create_app
from issuers.published import STATUS_LIST_CWT, STATUS_LIST_JWT
from issuers.settings import IssuerSettings
from issuers.uploads import LIMIT
from issuers.wallets.apple.pass_json import WEB_SERVICE_PATH
from issuers.wallets.google.objects import CALLBACK_PATH
from tests.city import City
from verifiers.app import BODY_LIMITS
from web.limits import JSON_LIMIT

DEPLOY = Path(__file__).parent.parent / "docs" / "deploy"
PROXY = (DEPLOY / "nginx.conf").read_text()
OPERATIONS = (DEPLOY.parent / "operations.md").read_text()
UNITS = sorted(DEPLOY.glob("*.service"))
ISSUER, VERIFIER = PROXY.split("# The verifying service:")
_SIZES = {"k": 1 << 10, "m": 1 << 20}


def block(opening: str, text: str = PROXY) -> str:
    """What stands between the braces after `opening`."""
    start = text.index(opening) + len(opening)
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start:place]
    raise AssertionError(f"{opening} has no end")


def locations(text: str) -> list[tuple[str, str, str]]:
    """(modifier, pattern, content) of each location."""
    found = re.finditer(r"location (?:(=|~) )?(\S+) \{", text)
    return [(each[1] or "", each[2], block(each[0], text)) for each in found]


def location_of(path: str, text: str = ISSUER) -> tuple[str, str]:
    """The content of the location that nginx takes for a path, and the path's first group: exact, then in order."""
    found = locations(text)
    for content in [content for modifier, pattern, content in found if modifier == "=" and pattern == path]:
        return content, ""
    for modifier, pattern, content in found:
        if modifier == "~" and (match := re.search(pattern, path)):
            return content, match[1] if match.re.groups else ""
    return next(content for modifier, pattern, content in found if (modifier, pattern) == ("", "/")), ""


def mapped(name: str, value: str) -> str:
    """What a map gives for a value, with its own header's variable left out."""
    for key, result in re.findall(r'^\s+("[^"]*"|\S+)\s+("[^"]*"|\S+);', block(f"{name} {{"), re.MULTILINE):
        key = key.strip('"')
        if key == value or (key.startswith("~") and re.search(key[1:], value)):
            return str(result.strip('"'))
    return ""


def size_of(path: str, text: str) -> int:
    """The largest body that passes for a path."""
    sizes = re.compile(r"client_max_body_size (\d+)([km]);")
    found = sizes.search(location_of(path, text)[0]) or sizes.search(text)
    assert found
    return int(found[1]) * _SIZES[found[2]]


def file_for(path: str, accept: str = "") -> str:
    """The file that is tried, empty where only the service is asked."""
    content, group = location_of(path)
    tried = re.search(r"try_files /(\S+) @issuer;", content)
    if tried is None:
        return ""
    form = mapped("$walletpass_form", f"|{accept}") or "negotiated"
    return tried[1].replace("$walletpass_form", form).replace("$1", group)


@pytest.fixture
def documents(city: City) -> list[str]:
    folder = city.settings.published
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))


def test_every_document_comes_from_the_disk_with_the_headers_that_the_service_sends(
    city: City, documents: list[str]
) -> None:
    service = TestClient(create_app(city.office))
    addresses = {f"/published/{path}": path for path in documents if path != "status/1"}
    addresses |= {f"/{path.removesuffix('.json')}": path for path in documents if path.startswith("types/")}
    addresses |= {"/status-lists.json": "status-lists.json", "/status/1": "status/1.jwt"}
    for address, path in addresses.items():
        sent = service.get(address).headers
        assert file_for(address) == path, address
        content, _ = location_of(address)
        types = dict(re.findall(r"([\w/+-]+) (\w+);", block("types {", content)))
        by_suffix = {suffix: media_type for media_type, suffix in types.items()}
        assert by_suffix[path.rpartition(".")[2]] == sent["content-type"].partition(";")[0], address
        assert mapped("$walletpass_cache", f"/{path}") == sent["cache-control"], address
        assert mapped("$walletpass_origin", "public") == sent["access-control-allow-origin"]
        assert mapped("$walletpass_exposed", "public") == sent["access-control-expose-headers"]
        assert ("set $walletpass_vary" in content) is (sent.get("vary") == "Accept"), address


def test_lists_are_kept_by_caches_as_long_as_the_settings_say_by_default() -> None:
    ttl = IssuerSettings.model_fields["status_list_ttl"].default
    assert mapped("$walletpass_cache", "/status/1.cwt") == f"public, max-age={ttl}"


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        STATUS_LIST_JWT,
        STATUS_LIST_CWT,
        "text/html",
        f"{STATUS_LIST_JWT};q=0.1, {STATUS_LIST_CWT}",
        "*/*;q=0",
    ],
)
def test_the_form_of_a_status_list_is_the_one_that_the_service_would_choose_or_left_to_it(accept: str) -> None:
    tried = file_for("/status/12", accept)
    chosen = choose(accept, (STATUS_LIST_JWT, STATUS_LIST_CWT))
    if tried != "status/12.negotiated":  # which is no file
        assert tried == ("status/12.cwt" if chosen == STATUS_LIST_CWT else "status/12.jwt") and chosen
    assert (tried == "status/12.negotiated") is (accept not in ("", "*/*", STATUS_LIST_JWT, STATUS_LIST_CWT))


@pytest.mark.parametrize(
    "path",
    [
        *("/published/.lock", "/published/status/.1.jwt.0123.unfinished", "/published/../issuer/issuer.db"),
        *("/issuer/issuer.db", "/anchor.pem", "/types/../../issuer/keys", "/published/plates/.lock"),
        *(f"{WEB_SERVICE_PATH}/v1/log", CALLBACK_PATH, "/p/secret", "/api/v1/passes", "/"),
    ],
)
def test_nothing_else_is_looked_for_on_the_disk(path: str) -> None:
    assert file_for(path) == ""
    assert "proxy_pass http://walletpass_issuers;" in location_of(path)[0]


def test_bodies_may_be_as_large_as_the_services_take_them_and_no_larger() -> None:
    assert size_of("/api/v1/passes", ISSUER) == size_of("/api/v1/verifications", VERIFIER) == JSON_LIMIT
    assert size_of("/api/v1/imports", ISSUER) == size_of("/api/v1/campaigns", ISSUER) == LIMIT
    assert {path: size_of(path, VERIFIER) for path in BODY_LIMITS} == BODY_LIMITS


def test_a_caller_does_not_choose_the_address_that_is_counted_and_no_path_is_logged() -> None:
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in PROXY
    assert "$proxy_add_x_forwarded_for" not in PROXY
    assert PROXY.count("access_log off;") == PROXY.count("server_name ")
    assert set(re.findall(r"error_log \S+ (\w+);", PROXY)) == {"crit"}


def test_a_worker_may_print_with_as_much_memory_as_was_measured() -> None:
    unit = (DEPLOY / "walletpass-worker@.service").read_text()
    allowed = re.search(r"^MemoryMax=(\d+)G$", unit, re.MULTILINE)
    stated = re.search(r"(\d+) MB for 500 letters of three\s+pages, beside (\d+) MB", OPERATIONS)
    assert allowed and stated
    press, worker = int(stated[1]), int(stated[2])
    assert (press, worker) >= (sizing.PRESS_MEMORY, sizing.PROCESS_MEMORY)
    assert int(allowed[1]) << 30 >= (press + worker) * 1_000_000 * 1.5, "with room for what was not measured"
    assert "MemoryHigh=" not in unit, "which would only make the press slow"
    assert "OOMPolicy=continue" in unit, "a press that is ended does not take the worker with it"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_each_unit_and_finds_it_confined(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text()
    what = re.search(r"walletpass-(\w+)", unit.name)
    assert what and f"/walletpass serve {what[1]}\n" in text
    started = tmp_path / unit.name.replace("@", "@1")
    started.write_text(re.sub("^ExecStart=.*$", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    program = shutil.which("systemd-analyze")
    if program is not None:
        verified = subprocess.run([program, "verify", str(started)], capture_output=True, text=True, timeout=60)
        assert (verified.returncode, verified.stderr) == (0, "")
        security = [program, "security", "--offline=true", "--threshold=20", "--no-pager", str(started)]
        assert subprocess.run(security, capture_output=True, timeout=60).returncode == 0
    assert [name for name in ("NoNewPrivileges=yes", "ProtectSystem=strict") if name not in text] == []
