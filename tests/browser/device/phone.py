"""A phone in a real browser: the app's modules in a page of the service, driven without any screen. And a meddler."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIN = "271828"
# What a test's script may use: the session, its modules, and an outcome instead of an exception.
_PREPARED = """async () => {
  const page = await (await fetch("/inspector/")).text();
  const [version] = /[0-9a-f]{16}/.exec(page);
  const module = (name) => import(`/inspector/${version}/app/${name}`);
  const { Session } = await module("session.js");
  const { Store } = await module("store.js");
  const outcome = async (work) => {
    try {
      return { value: await work() };
    } catch (problem) {
      return { code: problem.code ?? String(problem), again: problem.again };
    }
  };
  const until = async (holds) => {
    for (let n = 0; n < 400 && !(await holds()); n++) await new Promise((wake) => setTimeout(wake, 25));
    if (!(await holds())) throw new Error("it never came");
  };
  Object.assign(window, { module, Session, Store, outcome, until });
  window.session = await Session.open();
  window.told = [];
  for (const kind of ["state", "fresh", "queue"]) session.addEventListener(kind, () => told.push(kind));
}"""


# Judges with what lies in the store, as after a restart.
_JUDGED = """(async () => {
  const { verify } = await module("../src/verify.js");
  const { KnownDocuments } = await module("known.js");
  const store = await Store.open();
  const now = Math.floor(Date.now() / 1000);
  const known = new KnownDocuments(store, (await store.get("identity", "device")).anchor);
  await known.recall(now);
  return (await verify(given, known.published, now)).reason;
})()"""

# Fills a store to the last byte.
FILLED = """async (Store) => {
  const store = await Store.open();
  for (let size = 1 << 19, n = 0; size >= 1; n++) {
    const filler = crypto.getRandomValues(new Uint8Array(Math.min(size, 65536)));
    const whole = new Uint8Array(size).map((_, at) => filler[at % filler.length]);
    await store.put("uses", `filler ${n}`, whole).catch(() => (size >>= 1));
  }
}"""


class BrowserPhone:
    """A browser of its own, with its own store. Closing the page and opening it again is a restart of the app."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self.context = browser.new_context()
        self.context.set_default_timeout(60_000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.waits_quickly = False  # its timers can be hurried, see `waits`

    def starts(self, at: float | None = None) -> BrowserPhone:
        """Open the app in a new page. `at`: what the clock says then."""
        if self.page.url != "about:blank":  # the first one is still unused
            self.page.close()
            self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if self.waits_quickly or at is not None:
            self.page.clock.install(time=time.time() if at is None else at)
        self.page.goto(self.address)
        self.page.evaluate(_PREPARED)
        return self

    def run(self, script: str, about: Any = None) -> Any:
        """The value of an expression of the page, where `session` is the session and `given` what was handed in."""
        return self.page.evaluate(f"async (given) => ({script})", about)

    def enrols(self, link: str, pin: str = PIN) -> str | None:
        """The code of what was refused; None: enrolled."""
        return self.refusal("session.enrol(given.link, {pin: given.pin})", {"link": link, "pin": pin})

    def enrolled(self, link: str, pin: str = PIN) -> BrowserPhone:
        """An open phone that has had its first contact."""
        assert self.starts().enrols(link, pin) is None
        self.run("until(() => session.ages().statusLists.length > 0)")
        assert self.contacts() is None  # the first one is over
        return self

    def unlocks(self, pin: str = PIN) -> str | None:
        return self.refusal("session.unlock({pin: given})", pin)

    def contacts(self) -> str | None:
        return self.refusal("session.contactNow()")

    def judges(self, text: str) -> str:
        """The reason of the verdict with what is kept, as after a restart."""
        return str(self.run(_JUDGED, text))

    def refusal(self, work: str, about: Any = None) -> str | None:
        """The code that this work is refused with; None: it was done."""
        code: str | None = self.run(f"(await outcome(() => {work})).code ?? null", about)
        return code

    @property
    def now(self) -> float:
        """What the phone's clock says, in seconds."""
        return float(self.run("Date.now() / 1000"))

    def sets_clock(self, seconds: float) -> None:
        """Set the phone's clock; it runs on from there, and timers keep their own time."""
        self.page.clock.set_system_time(seconds)

    def waits(self, seconds: float) -> None:
        """Time passes, all at once, and the timers that end in it go off."""
        self.page.clock.fast_forward(int(seconds * 1000))

    def has_little_room(self) -> BrowserPhone:
        """Its store has room for a beginning only. Said before anything is stored: browsers remember for a while."""
        self._tools = self.context.new_cdp_session(self.page)  # what it sets ends with it and its page
        self.page = self.context.new_page()
        self._tools.send("Storage.overrideQuotaForOrigin", {"origin": self.address, "quotaSize": 600_000})
        return self

    def fills_up(self) -> None:
        """Something else takes what room there is left, to the last byte."""
        self.run(f"({FILLED})(Store)")

    def is_seen(self, seen: bool) -> None:
        """Put the app away, or bring it back to the screen."""
        value = "visible" if seen else "hidden"
        self.run(f"Object.defineProperty(document, 'visibilityState', {{configurable: true, value: '{value}'}})")
        self.run("document.dispatchEvent(new Event('visibilitychange')) && null")

    @property
    def state(self) -> str:
        return str(self.run("session.state"))

    def keys_of(self, kind: str) -> list[str]:
        """The keys that lie in one part of the store."""
        return list(self.run("(async () => [...(await (await Store.open()).all(given)).keys()])()", kind))


def give_authenticator(page: Page, **changes: Any) -> tuple[Any, str]:
    """A phone's own authenticator, whose owner always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options | changes})
    return session, made["authenticatorId"]


class Meddler:
    """Somebody between the phone and the service. `lies(path)`: what to do with the answer for that path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._answers: list[tuple[re.Pattern[str], Callable[[bytes], bytes | None]]] = []
        self.asked: list[str] = []

    def rest(self) -> None:
        self._answers.clear()
        self.asked.clear()

    def changes(self, path: str, change: Callable[[bytes], bytes | None]) -> None:
        """Change the body of answers whose path matches; None: cut the connection after half of it."""
        self._answers.append((re.compile(path), change))

    def is_later(self, seconds: int) -> None:
        """Phones hear that the service's clock is so far ahead: what they wait for has passed."""

        def shifted(found: re.Match[bytes]) -> bytes:
            return b'"server_time":%d' % (int(found[1]) + seconds)

        self.changes(r"/contact$", lambda body: re.sub(rb'"server_time":(\d+)', shifted, body))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.asked.append(scope["path"])
        change = next((change for path, change in self._answers if path.search(scope["path"])), None)
        started: list[Message] = []
        body = bytearray()

        async def meddling(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                await _answer(send, started[0], bytes(body), change)

        await self.app(scope, receive, send if change is None else meddling)


async def _answer(send: Send, start: Message, body: bytes, change: Callable[[bytes], bytes | None] | None) -> None:
    whole = change(body) if change else body
    sent = body[: len(body) // 2] if whole is None else whole
    length = str(len(body) if whole is None else len(whole)).encode()
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    await send(start | {"headers": [*headers, (b"content-length", length)]})
    await send({"type": "http.response.body", "body": sent})
