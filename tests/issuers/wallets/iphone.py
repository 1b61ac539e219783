"""An iPhone as far as passes go: it adds one, registers, and when it is pushed asks what changed and fetches that.

As strict as Wallet is documented to be, or known to be: what a real phone refuses fails an assertion here. Cheap enough
for thousands; the CMS signature is judged only where a test asks for it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

_IMF_FIXDATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT"
)
_IDENTITY = ("passTypeIdentifier", "serialNumber", "authenticationToken", "webServiceURL", "teamIdentifier")
_UNCONDITIONAL = ""


class Client(Protocol):
    """An httpx2 client, or a test client of an application."""

    def request(self, method: str, url: str, **options: Any) -> Any: ...


@dataclass
class Held:
    """A pass in the phone."""

    json: dict[str, Any]
    last_modified: str = _UNCONDITIONAL

    @property
    def token(self) -> dict[str, str]:
        return {"Authorization": f"ApplePass {self.json['authenticationToken']}"}

    @property
    def path(self) -> str:
        return f"{self.json['passTypeIdentifier']}/{self.json['serialNumber']}"


@dataclass
class IPhone:
    """`client` reaches the issuing service. `base` replaces the web service's address in passes, if given."""

    client: Client
    base: str = ""
    library_identifier: str = field(default_factory=lambda: secrets.token_hex(16))
    push_token: str = field(default_factory=lambda: secrets.token_hex(32))
    passes: dict[str, Held] = field(default_factory=dict)
    tag: str | None = None
    wanted: list[str] = field(default_factory=list)  # serials that it knows have changed, and has not fetched
    fetched: int = 0
    unchanged: int = 0  # answers 304

    def adds(self, pkpass: bytes) -> Held:
        """What happens when somebody opens a .pkpass: the pass is there, and the phone registers for it."""
        held = Held(opened(pkpass))
        self.passes[held.json["serialNumber"]] = held
        self.registers(held)
        return held

    def registers(self, held: Held) -> int:
        """The status: 201 when that is new, 200 when it was known."""
        body = {"pushToken": self.push_token}
        answer = self._ask("POST", held, self._registration(held), headers=held.token, json=body)
        assert answer.status_code in (200, 201), answer.status_code
        return int(answer.status_code)

    def removes(self, held: Held) -> None:
        answer = self._ask("DELETE", held, self._registration(held), headers=held.token)
        assert answer.status_code == 200, answer.status_code
        del self.passes[held.json["serialNumber"]]

    def is_pushed(self) -> list[str]:
        """Ask what changed and fetch it; the messages that appear on the lock screen, in German."""
        shown: list[str] = []
        for held in {held.json["passTypeIdentifier"]: held for held in self.passes.values()}.values():
            self.wanted += self.asks(held)
        while self.wanted:
            if self.wanted[0] in self.passes:
                shown += self.fetches(self.passes[self.wanted[0]])
            del self.wanted[0]
        return shown

    def asks(self, held: Held) -> list[str]:
        """The serial numbers that have changed since the phone last asked."""
        path = f"devices/{self.library_identifier}/registrations/{held.json['passTypeIdentifier']}"
        since = {} if self.tag is None else {"passesUpdatedSince": self.tag}
        answer = self._ask("GET", held, path, params=since)
        if answer.status_code == 204:
            assert answer.content == b""
            return []
        assert answer.status_code == 200, answer.status_code
        found = answer.json()
        assert found.keys() >= {"serialNumbers", "lastUpdated"}
        assert isinstance(found["lastUpdated"], str)
        assert found["serialNumbers"]
        assert found["lastUpdated"] != self.tag, "The lastUpdated tag remained the same."
        self.tag = found["lastUpdated"]
        return list(found["serialNumbers"])

    def fetches(self, held: Held) -> list[str]:
        """The pass anew, unless the service says that it is unchanged; the messages that appear."""
        headers = held.token | ({"If-Modified-Since": held.last_modified} if held.last_modified else {})
        answer = self._ask("GET", held, f"passes/{held.path}", headers=headers)
        if answer.status_code == 304:
            assert held.last_modified
            assert answer.content == b""
            self.unchanged += 1
            return []
        assert answer.status_code == 200, answer.status_code
        assert answer.headers["content-type"] == "application/vnd.apple.pkpass"
        assert _IMF_FIXDATE.fullmatch(answer.headers["last-modified"]), answer.headers["last-modified"]
        new = opened(answer.content)
        for name in _IDENTITY:
            assert new[name] == held.json[name], f"A pass that is fetched anew has another {name}."
        shown = list(messages(held.json, new))
        held.json, held.last_modified = new, answer.headers["last-modified"]
        self.fetched += 1
        return shown

    def _registration(self, held: Held) -> str:
        return f"devices/{self.library_identifier}/registrations/{held.path}"

    def _ask(self, method: str, held: Held, path: str, **options: Any) -> Any:
        address = held.json["webServiceURL"]
        url = urlsplit(address)
        assert url.scheme == "https" or url.hostname in ("localhost", "127.0.0.1", "::1"), address
        return self.client.request(method, f"{(self.base or address).rstrip('/')}/v1/{path}", **options)


def opened(pkpass: bytes) -> dict[str, Any]:
    """pass.json of an archive whose manifest names each file with its digest."""
    with zipfile.ZipFile(io.BytesIO(pkpass)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    assert manifest.keys() == files.keys() - {"manifest.json", "signature"}
    for name, digest in manifest.items():
        assert hashlib.sha1(files[name], usedforsecurity=False).hexdigest() == digest, name
    assert files["signature"]
    assert "icon.png" in files
    found = json.loads(files["pass.json"])
    assert found["formatVersion"] == 1
    if "webServiceURL" in found:
        assert len(found["authenticationToken"]) >= 16
    return dict(found)


def fields(pass_json: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All fields of a pass, by key."""
    style = next(pass_json[name] for name in ("generic", "storeCard") if name in pass_json)
    return {each["key"]: each for area in style.values() for each in area}


def messages(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """What the lock screen says of fields whose value has changed: their changeMessage with the new value."""
    known = fields(before)
    for key, each in fields(after).items():
        if "changeMessage" in each and known.get(key, {}).get("value") != each["value"]:
            value = str(each["value"])
            if "dateStyle" in each:
                year, month, day = value[:10].split("-")
                value = f"{day}.{month}.{year}"
            yield each["changeMessage"].replace("%@", value)
