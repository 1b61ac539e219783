"""The sentences of the pass page, German first: short, kind, exact."""

from __future__ import annotations

from web.pages import Texts

TEXTS: Texts = {
    "de": {
        "title": "Mein Ausweis",
        "valid_from": "Gültig ab",
        "valid_until": "Gültig bis",
        "status": "Status",
        "code": "Live-Code",
        "picture": "QR-Code des Ausweises",
        "renews": "Der Code erneuert sich alle 20 Sekunden. Ein Bildschirmfoto davon gilt nicht.",
        "preparing": "Der Code wird vorbereitet …",
        "offline": "Ohne Netz. Der Code gilt trotzdem, solange diese Seite offen bleibt.",
        "clock_before": "Die Uhr dieses Geräts weicht um ",
        "clock_after": " Sekunden ab. Bitte die automatische Uhrzeit einschalten, sonst wird der Code abgelehnt.",
        "elsewhere": "Der Live-Code ist auf einem anderen Gerät oder in einem anderen Browser. "
        "Er wird nur an einer Stelle gezeigt.",
        "take_over": "Auf diesem Gerät zeigen",
        "take_over_hint": "Auf dem anderen Gerät gilt er dann nicht mehr.",
        "failed": "Der Code lässt sich gerade nicht abrufen. Bitte die Verbindung prüfen.",
        "again": "Erneut versuchen",
        "plain": "Dieser Browser kann keinen Live-Code zeigen. Dieser Code gilt ebenso.",
        "plain_link": "Einfachen Code öffnen",
        "unable": "Dieser Ausweis wird hier nur als Live-Code gezeigt, und dieser Browser kann das nicht. Bitte öffnen "
        "Sie die Seite in einem aktuellen Browser mit eingeschaltetem JavaScript. Auf Papier und in der Wallet gilt "
        "der Ausweis auch ohne Live-Code.",
        "contact": "Fragen? Schreiben Sie an",
        "keep": "Speichern Sie diese Seite als Lesezeichen und geben Sie den Link nicht weiter.",
        "missing": "Diese Seite gibt es nicht",
        "missing_hint": "Der Link ist unvollständig oder gilt nicht mehr. Bitte wenden Sie sich an die Stelle, von der "
        "Sie ihn haben.",
        "busy": "Gerade sind es zu viele Anfragen",
        "busy_hint": "Bitte versuchen Sie es in einer Minute noch einmal.",
    },
    "en": {
        "title": "My pass",
        "valid_from": "Valid from",
        "valid_until": "Valid until",
        "status": "Status",
        "code": "Live code",
        "picture": "QR code of the pass",
        "renews": "The code renews itself every 20 seconds. A screenshot of it does not count.",
        "preparing": "The code is being prepared …",
        "offline": "No network. The code counts all the same, as long as this page stays open.",
        "clock_before": "The clock of this device is off by ",
        "clock_after": " seconds. Please switch on automatic time, or the code will be refused.",
        "elsewhere": "The live code is on another device or in another browser. It is shown in one place only.",
        "take_over": "Show it on this device",
        "take_over_hint": "On the other device it will count no longer.",
        "failed": "The code cannot be fetched just now. Please check the connection.",
        "again": "Try again",
        "plain": "This browser cannot show a live code. This code counts as well.",
        "plain_link": "Open the plain code",
        "unable": "Here this pass is shown as a live code only, and this browser cannot do that. Please open the page "
        "in a current browser with JavaScript switched on. On paper and in the wallet the pass counts without one.",
        "contact": "Questions? Write to",
        "keep": "Keep this page as a bookmark, and do not pass its link on.",
        "missing": "There is no such page",
        "missing_hint": "The link is incomplete or no longer good. Please ask whoever gave it to you.",
        "busy": "There are too many requests just now",
        "busy_hint": "Please try again in a minute.",
    },
}

STATUSES: Texts = {
    "de": {
        "valid": "Gültig",
        "not_yet_valid": "Noch nicht gültig",
        "suspended": "Ausgesetzt",
        "revoked": "Widerrufen",
        "expired": "Abgelaufen",
    },
    "en": {
        "valid": "Valid",
        "not_yet_valid": "Not yet valid",
        "suspended": "Suspended",
        "revoked": "Revoked",
        "expired": "Expired",
    },
}
"""By the words of `walletpass.status.status_word`."""

NO_CODE: Texts = {
    "de": {
        "suspended": "Dieser Ausweis ist ausgesetzt und gilt zurzeit nicht. Deshalb zeigt die Seite keinen Code.",
        "revoked": "Dieser Ausweis wurde widerrufen und gilt nicht mehr. Deshalb zeigt die Seite keinen Code.",
        "expired": "Dieser Ausweis ist abgelaufen. Deshalb zeigt die Seite keinen Code.",
    },
    "en": {
        "suspended": "This pass is suspended and does not count at the moment. So the page shows no code.",
        "revoked": "This pass was revoked and counts no longer. So the page shows no code.",
        "expired": "This pass has expired. So the page shows no code.",
    },
}
"""Why a page shows no code, by status word; the other words have one."""
