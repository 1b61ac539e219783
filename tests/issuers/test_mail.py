"""Mails to holders, received by a real mail server: what they say, and what becomes of each whatever it does."""

from __future__ import annotations

import json
import re
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from sqlalchemy import Connection

from issuers.mail_message import MailRoom, NoMailAddress
from issuers.notices import Inform, tell_holders
from issuers.occasions import read_occasion
from issuers.outbox import Errand, Report
from issuers.settings import IssuerSettings
from issuers.tasks.mail import build
from tests.city import ANNA, City
from tests.issuers.outbox_work import performs, rows
from tests.issuers.smtp_server import SmtpServer
from walletpass.entitlement import Holder
from walletpass.pass_types import load_catalogue
from walletpass.passes import Pass
from walletpass.status import Status
from web.database import write_transaction
from web.logs import configure_logs

SENDER = "ausweise@stadt.example"
MakeCity = Callable[..., City]


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


def mailing(make_city: MakeCity, port: int, **more: object) -> City:
    settings = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_starttls": False, "mail_from": SENDER} | more
    return make_city(**settings)


def tells(city: City, *passes: Pass, occasion: str = "renewed") -> None:
    with write_transaction(city.office.engine) as connection:
        serials = [pass_.serial for pass_ in passes]
        told = tell_holders(connection, serials, occasion, Inform.MAIL, city.order(), mail_possible=True)
    assert told == {"mail": len(passes)}


def residents(city: City, count: int, pass_type: str = "family_card") -> list[Pass]:
    return [
        city.grants(pass_type, holder=replace(ANNA, email=f"person{number}@example.org")) for number in range(count)
    ]


@pytest.mark.parametrize(
    ("language", "occasion", "subject", "sentences"),
    [
        ("de", "renewed", "Familienkarte: verlängert bis 11.06.2027", ("Guten Tag Anna Müller,", "ist verlängert")),
        ("de", "reminder-300", "Familienkarte: gültig bis 11.06.2027", ("einschließlich 11.06.2027", "Verlängerung")),
        ("en", "renewed", "Family card: renewed until 11 Jun 2027", ("Hello Anna Müller,", "has been renewed")),
        ("en", "reminder-300", "Family card: valid until 11 Jun 2027", ("until 11 Jun 2027, including", "renewal")),
    ],
)
def test_a_mail_says_what_until_when_what_to_do_and_whom_to_ask(
    language: str,
    occasion: str,
    subject: str,
    sentences: tuple[str, ...],
    make_city: MakeCity,
    server: SmtpServer,
) -> None:
    city = mailing(make_city, server.port)
    tells(city, city.grants("family_card", holder=replace(ANNA, language=language)), occasion=occasion)
    performs(city, "mail")
    [mail] = server.mails
    assert (mail.sender, mail.to) == (SENDER, ["anna@example.org"])
    assert mail.message["Subject"] == subject
    for said in (" ".join(mail.text.split()), mail.html):
        for sentence in (*sentences, city.settings.city_contact, city.settings.city_name):
            assert sentence in said
    assert f'<html lang="{language}">' in mail.html


def test_the_last_days_are_told_as_such(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    tells(city, city.grants("library_card", valid_until=city.today + timedelta(days=3)), occasion="reminder-3")
    performs(city, "mail")
    assert server.mails[0].message["Subject"] == "Bibliotheksausweis: nur noch gültig bis 26.11.2026"


def test_a_mail_can_be_signed_by_a_relay_and_fetches_nothing(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    tells(city, city.grants("family_card", holder=replace(ANNA, family_name="Ägidius " * 12)))
    performs(city, "mail")
    [mail] = server.mails
    assert mail.raw.isascii()
    assert b"\r" not in mail.raw.replace(b"\r\n", b"") and b"\n" not in mail.raw.replace(b"\r\n", b"")
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 400
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["From"] == f"Landeshauptstadt Düsseldorf <{SENDER}>"
    assert mail.message["Reply-To"] == city.settings.city_contact
    assert not re.search("https?:|src=|url\\(|<link|<script|<img", mail.html)


def test_a_mail_holds_no_number_plate_or_address(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    permit = city.grants("resident_parking_permit", number="P-4711")
    tells(city, permit)
    performs(city, "mail")
    [mail] = server.mails
    everything = mail.raw.decode() + mail.text + mail.html
    for secret in ("P-4711", "1234E", ANNA.street, "1980", permit.serial):
        assert secret not in everything


class Unheard(Report):
    """Of a worker that is killed before it can say that anything is done."""

    def done(self, ids: Sequence[int], connection: Connection | None = None, *, code: str | None = None) -> None:
        pass


def test_a_mail_in_flight_at_a_kill_is_repeated_with_the_same_bytes(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    tells(city, *residents(city, 1))
    box = city.office.outbox
    claim = box.claim("mail", 50, 60)
    assert claim
    build(city.office).perform(box.held(claim), Unheard(city.office.engine, city.clock, claim, 60))
    city.later(seconds=61)
    performs(city, "mail")
    first, second = server.mails
    assert first.raw == second.raw
    assert re.fullmatch(r"<\d+\.\d+\.[0-9a-f]{16}@stadt\.example>", first.message["Message-ID"])
    assert first.message["Date"].datetime == datetime.fromtimestamp(rows(city, "mail")[0]["created_at"], UTC)


def test_each_mail_has_an_id_of_its_own_and_they_share_a_connection(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    tells(city, *residents(city, 7))
    performs(city, "mail")
    assert len({mail.message["Message-ID"] for mail in server.mails}) == 7
    assert server.connections == 1
    assert all(row["done_at"] for row in rows(city, "mail"))


def outcomes(city: City) -> list[str]:
    """What the outbox says of each mail, in the order in which they were noted."""
    words = []
    for row in rows(city, "mail"):
        word = "done" if row["done_at"] else "quarantine" if row["failed_at"] else "later"
        words.append(f"{word} {row['code'] or ''}".strip())
    return words


def test_what_the_server_says_of_one_mail_is_of_that_mail_only(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    server.script = {
        "person1@example.org": "550 5.1.1 no such user",
        "person2@example.org": "450 4.2.0 come back later",
    }
    server.after_data = {"person3@example.org": "554 5.7.1 refused", "person4@example.org": "451 4.3.0 try again"}
    tells(city, *residents(city, 6))
    performs(city, "mail")
    assert outcomes(city) == [
        "done",
        "quarantine mail_refused",
        "later mail_put_off",
        "quarantine mail_refused",
        "later mail_put_off",
        "done",
    ]
    server.script = server.after_data = {}
    city.later(hours=1)
    performs(city, "mail")
    assert [word for word in outcomes(city) if word.startswith("later")] == []
    assert len(server.mails) == 4


def test_a_server_that_closes_is_left_alone_until_later(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    server.script = {"person1@example.org": "421 4.3.2 closing"}
    tells(city, *residents(city, 5))
    performs(city, "mail")
    assert server.tries == 2
    assert outcomes(city) == ["done", *["later mail_server_says_421"] * 4]


def test_a_dead_server_is_tried_once_a_batch_and_all_mails_arrive_when_it_is_back(make_city: MakeCity) -> None:
    with SmtpServer() as gone:
        port = gone.port
    city = mailing(make_city, port)
    tells(city, *residents(city, 60))
    assert performs(city, "mail") == 2
    assert set(outcomes(city)) == {"later mail_server_unreachable"}
    with SmtpServer(port=port) as back:
        city.later(minutes=1)
        performs(city, "mail")
    assert sorted(mail.to[0] for mail in back.mails) == sorted(f"person{n}@example.org" for n in range(60))


def test_a_slow_server_costs_one_time_out_a_batch(make_city: MakeCity) -> None:
    with SmtpServer(delay=50) as slow:
        city = mailing(make_city, slow.port, smtp_timeout=1)
        tells(city, *residents(city, 5))
        performs(city, "mail")
        assert slow.tries == 1
    assert set(outcomes(city)) == {"later mail_server_slow"}


def certificate(folder: Path, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """A server's certificate that is its own authority, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    folder.mkdir()
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, private


@pytest.mark.parametrize(
    ("password", "trusted", "outcome"),
    [
        ("right", True, "done"),
        ("wrong", True, "later mail_login_refused"),
        ("right", False, "later mail_server_not_trusted"),
    ],
)
def test_mail_goes_encrypted_to_a_server_that_is_known_and_knows_us(
    password: str, trusted: bool, outcome: str, make_city: MakeCity, tmp_path: Path
) -> None:
    ours = certificate(tmp_path / "ours")
    authority = ours[0] if trusted else certificate(tmp_path / "other")[0]
    with SmtpServer(certificate=ours, login=("city", "right")) as server:
        signing_in = {"smtp_user": "city", "smtp_password": password, "smtp_ca": authority}
        city = mailing(make_city, server.port, smtp_starttls=True, **signing_in)
        tells(city, *residents(city, 2))
        performs(city, "mail")
    assert outcomes(city) == [outcome] * 2
    assert len(server.mails) == (2 if outcome == "done" else 0)


def test_nothing_is_sent_to_a_server_that_cannot_encrypt(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port, smtp_starttls=True)
    tells(city, *residents(city, 2))
    performs(city, "mail")
    assert set(outcomes(city)) == {"later mail_server_not_encrypted"}
    assert server.tries == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_host": "mail.example"},
        {"smtp_host": "mail.example", "mail_from": "a@example.org, b@example.org"},
        {"smtp_user": "city", "smtp_starttls": False},
    ],
)
def test_settings_that_could_send_no_mail_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="WALLETPASS_SMTP"):
        IssuerSettings(**wrong)


def test_mail_that_waits_while_no_server_is_set_is_not_lost(make_city: MakeCity, server: SmtpServer) -> None:
    city = make_city()
    tells(city, *residents(city, 1))
    performs(city, "mail")
    assert outcomes(city) == ["later no_mail_server"]


def test_what_is_true_no_longer_is_not_sent(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    soon = city.today + timedelta(days=3)
    renewed, revoked, suspended, kept = (city.grants("library_card", valid_until=soon) for _ in range(4))
    tells(city, renewed, revoked, suspended, kept, occasion="reminder-3")
    city.renews(renewed, soon + timedelta(days=365))
    city.revokes(revoked)
    city.suspends(suspended)
    performs(city, "mail")
    assert len(server.mails) == 1
    assert outcomes(city) == ["done outdated", "done revoked", "done suspended", "done"]


def test_a_reminder_that_waited_until_the_pass_was_over_is_not_sent(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    tells(city, city.grants("library_card", valid_until=city.today + timedelta(days=3)), occasion="reminder-3")
    city.later(days=4)
    performs(city, "mail")
    assert server.mails == []


@pytest.mark.parametrize(
    "email",
    [
        "a@example.org\r\nBcc: b@example.org",
        "a@example.org\nRCPT TO:<b@example.org>",
        "a@example.org,b@example.org",
        "A <a@example.org>",
        '"a b"@example.org',
        "a@example.org\0",
        "a@@example.org",
        "a@[127.0.0.1]",
        "ü@example.org",
        "a@",
        "a" * 65 + "@example.org",
        "=?x?q?a?=@example.org",
        "a=?utf-8?b?YQ==?=@example.org",
        "a.=?@example.org",
        "",
    ],
)
def test_an_address_that_is_more_than_one_is_none(email: str) -> None:
    settings = IssuerSettings(smtp_host="localhost", mail_from=SENDER)
    with pytest.raises(NoMailAddress):
        write(settings, replace(ANNA, email=email))


def write(settings: IssuerSettings, holder: Holder) -> bytes:
    [family_card] = [found for found in load_catalogue() if found.name == "family_card"]
    day = datetime(2026, 11, 23, tzinfo=UTC).date()
    card = Pass("0" * 20, "family_card", "F-1", Status.VALID, day, day, {}, (holder,))
    errand = Errand(1, "mail", card.serial, "renewed", 1795000000, 1, None)
    to, message = MailRoom(settings, "0" * 16).write(errand, card, family_card, read_occasion("renewed"))
    assert to.isascii()
    return message


@pytest.mark.parametrize("name", ["Eve\r\nBcc: b@example.org", "<b>Eve</b>\n.\nQUIT", '"Eve" <b@example.org>'])
def test_a_name_stays_within_the_text(name: str) -> None:
    settings = IssuerSettings(smtp_host="localhost", mail_from=SENDER, city_name=f"Stadt {name}")
    raw = write(settings, replace(ANNA, given_name=name))
    message = message_from_bytes(raw, policy=policy.default)
    names = {"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted"}
    assert set(message.keys()) == names | {"MIME-Version", "Content-Type", "Content-Language"}
    assert message["From"].addresses[0].addr_spec == SENDER
    assert "<b>" not in message.get_body(("html",)).get_content()


def test_an_address_in_another_alphabet_is_written_as_servers_know_it(make_city: MakeCity, server: SmtpServer) -> None:
    city = mailing(make_city, server.port)
    tells(city, city.grants("family_card", holder=replace(ANNA, email="anna@müller.example")))
    performs(city, "mail")
    assert server.mails[0].to == ["anna@xn--mller-kva.example"]


def test_no_log_line_names_anybody(make_city: MakeCity, server: SmtpServer, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    city = mailing(make_city, server.port)
    server.script = {"anna@example.org": "550 5.1.1 <anna@example.org> is unknown"}
    card = city.grants("family_card")
    tells(city, card)
    performs(city, "mail")
    lines = capsys.readouterr().err
    assert "mail_refused" in lines
    for secret in ("anna", "Müller", "example.org", card.serial):
        assert secret not in lines


def test_the_server_for_other_tests_tells_what_it_received() -> None:
    command = [sys.executable, "-m", "tests.issuers.smtp_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ports = json.loads(process.stdout.readline())
        try:
            with smtplib.SMTP("127.0.0.1", ports["port"], timeout=60) as client:
                client.sendmail(SENDER, ["anna@example.org"], write(IssuerSettings(mail_from=SENDER), ANNA))
            with urllib.request.urlopen(f"http://127.0.0.1:{ports['http']}/mails", timeout=60) as answer:
                [mail] = json.load(answer)
        finally:
            process.kill()
    assert mail["to"] == ["anna@example.org"]
    assert mail["headers"]["Subject"] == "Familienkarte: verlängert bis 23.11.2026"
