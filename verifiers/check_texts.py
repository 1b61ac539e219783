"""The sentences of the checking page, German first. One per code, so that no inspector reads a code alone."""

from __future__ import annotations

from collections.abc import Mapping

from walletpass.verdict import Outcome, Reason, Step, StepResult

TEXTS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "title": "Ausweis prüfen",
        "intro": "QR-Code einfügen oder ein Foto davon hochladen. Es wird nichts gespeichert.",
        "text_label": "Text des QR-Codes",
        "text_hint": "Beginnt mit WP1: oder WP2:",
        "image_label": "Oder ein Foto des QR-Codes",
        "image_hint": "PNG, JPEG, WebP oder GIF, höchstens 10 MB",
        "submit": "Prüfen",
        "again": "Nächsten Ausweis prüfen",
        "error": "Das hat nicht geklappt",
        "pass_type": "Art des Ausweises",
        "valid_until": "Gültig bis",
        "age": "Stand der Sperrliste",
        "ago": "vor",
        "steps": "Prüfschritte",
        "says": "Angaben im Ausweis",
        "code": "Code",
        "yes": "ja",
        "no": "nein",
        "days": "Tagen",
        "hours": "Stunden",
        "minutes": "Minuten",
        "seconds": "Sekunden",
    },
    "en": {
        "title": "Check a pass",
        "intro": "Paste the QR code or upload a photo of it. Nothing is stored.",
        "text_label": "Text of the QR code",
        "text_hint": "Begins with WP1: or WP2:",
        "image_label": "Or a photo of the QR code",
        "image_hint": "PNG, JPEG, WebP or GIF, at most 10 MB",
        "submit": "Check",
        "again": "Check the next pass",
        "error": "That did not work",
        "pass_type": "Type of pass",
        "valid_until": "Valid until",
        "age": "Age of the status list",
        "ago": "",
        "steps": "Steps of the check",
        "says": "What the pass says",
        "code": "Code",
        "yes": "yes",
        "no": "no",
        "days": "days",
        "hours": "hours",
        "minutes": "minutes",
        "seconds": "seconds",
    },
}

OUTCOMES: Mapping[str, Mapping[Outcome, str]] = {
    "de": {Outcome.ACCEPTED: "Gültig", Outcome.REFUSED: "Abgelehnt", Outcome.UNDETERMINED: "Nicht feststellbar"},
    "en": {Outcome.ACCEPTED: "Accepted", Outcome.REFUSED: "Refused", Outcome.UNDETERMINED: "Cannot be determined"},
}

STEPS: Mapping[str, Mapping[Step, str]] = {
    "de": {
        Step.SHAPE: "Form",
        Step.SIGNATURE: "Unterschrift",
        Step.TRUST: "Vertrauen",
        Step.VALIDITY: "Gültigkeit",
        Step.STATUS: "Status",
        Step.HOLDER: "Inhaber",
    },
    "en": {
        Step.SHAPE: "Shape",
        Step.SIGNATURE: "Signature",
        Step.TRUST: "Trust",
        Step.VALIDITY: "Validity",
        Step.STATUS: "Status",
        Step.HOLDER: "Holder",
    },
}

RESULTS: Mapping[str, Mapping[StepResult, str]] = {
    "de": {
        StepResult.PASSED: "bestanden",
        StepResult.FAILED: "nicht bestanden",
        StepResult.UNKNOWN: "nicht feststellbar",
        StepResult.NOT_CHECKED: "nicht geprüft",
    },
    "en": {
        StepResult.PASSED: "passed",
        StepResult.FAILED: "failed",
        StepResult.UNKNOWN: "unknown",
        StepResult.NOT_CHECKED: "not checked",
    },
}

ERRORS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "nothing_sent": "Bitte einen Code einfügen oder ein Foto auswählen.",
        "image_too_large": "Das Bild ist zu groß: höchstens 10 MB und 50 Megapixel, WebP und GIF 16 Megapixel.",
        "pictures_busy": "Gerade werden viele Bilder gelesen. Bitte gleich noch einmal versuchen.",
        "image_unreadable": "Das Bild ist nicht lesbar. Bitte PNG, JPEG, WebP oder GIF senden.",
        "no_code_found": "Auf dem Bild ist kein QR-Code zu erkennen. Bitte näher herangehen und ruhig halten.",
        "too_many_requests": "Zu viele Anfragen. Bitte in einer Minute noch einmal versuchen.",
    },
    "en": {
        "nothing_sent": "Paste a code or choose a photo.",
        "image_too_large": "The picture is too large: at most 10 MB and 50 megapixels, WebP and GIF 16 megapixels.",
        "pictures_busy": "Many pictures are being read just now. Try again in a moment.",
        "image_unreadable": "The picture cannot be read. Send a PNG, JPEG, WebP or GIF.",
        "no_code_found": "There is no QR code in the picture. Come closer and hold still.",
        "too_many_requests": "Too many requests. Try again in a minute.",
    },
}

REASONS: Mapping[str, Mapping[Reason, str]] = {
    "de": {
        Reason.ACCEPTED: "Der Ausweis ist echt und gültig.",
        Reason.MALFORMED: "Das ist kein Ausweis der Stadt, oder der Code ist unvollständig.",
        Reason.UNSUPPORTED_FORMAT: "Dieses Format kann hier noch nicht geprüft werden.",
        Reason.UNKNOWN_KEY: "Die Stadt hat diesen Ausweis nicht unterschrieben.",
        Reason.BAD_SIGNATURE: "Die Unterschrift stimmt nicht: der Ausweis wurde verändert oder gefälscht.",
        Reason.UNKNOWN_TYPE: "Diese Art von Ausweis gibt es nicht.",
        Reason.WRONG_ISSUER: "Der Ausweis nennt einen anderen Aussteller.",
        Reason.KEY_NOT_ALLOWED: "Mit diesem Schlüssel darf diese Art von Ausweis nicht unterschrieben werden.",
        Reason.KEY_OUTSIDE_WINDOW: "Der Ausweis wurde außerhalb der Zeit des Schlüssels unterschrieben.",
        Reason.CLAIM_INVALID: "Die Angaben passen nicht zu dieser Art von Ausweis.",
        Reason.NOT_YET_VALID: "Der Ausweis ist noch nicht gültig.",
        Reason.EXPIRED: "Der Ausweis ist abgelaufen.",
        Reason.REVOKED: "Der Ausweis wurde widerrufen.",
        Reason.SUSPENDED: "Der Ausweis ist ausgesetzt und gilt zurzeit nicht.",
        Reason.STATUS_MISSING: "Dem Ausweis fehlt der Verweis auf die Sperrliste.",
        Reason.STATUS_OUT_OF_RANGE: "Der Ausweis steht auf keinem Platz der Sperrliste.",
        Reason.STATUS_UNKNOWN_VALUE: "Die Sperrliste nennt einen unbekannten Status.",
        Reason.STATUS_UNAVAILABLE: "Die Sperrliste liegt hier nicht vor.",
        Reason.STATUS_STALE: "Die Sperrliste ist zu alt.",
        Reason.TRUST_LIST_STALE: "Die Liste der gültigen Schlüssel fehlt oder ist zu alt.",
        Reason.TYPE_UNAVAILABLE: "Die Beschreibung dieser Art von Ausweis liegt hier nicht vor.",
        Reason.CLOCK_WRONG: "Die Uhr dieses Geräts geht nach. Bitte die Zeit stellen.",
        Reason.BAD_PROOF: "Der Live-Code stammt nicht vom Gerät, an das der Ausweis gebunden ist.",
        Reason.PROOF_STALE: "Der Live-Code ist älter als 30 Sekunden: ein Foto oder ein alter Bildschirm.",
        Reason.PROOF_EARLY: "Der Live-Code stammt aus der Zukunft: eine der beiden Uhren geht falsch.",
    },
    "en": {
        Reason.ACCEPTED: "The pass is genuine and valid.",
        Reason.MALFORMED: "This is no pass of the city, or the code is incomplete.",
        Reason.UNSUPPORTED_FORMAT: "This format cannot be checked here yet.",
        Reason.UNKNOWN_KEY: "The city did not sign this pass.",
        Reason.BAD_SIGNATURE: "The signature is wrong: the pass was changed or forged.",
        Reason.UNKNOWN_TYPE: "There is no such type of pass.",
        Reason.WRONG_ISSUER: "The pass names another issuer.",
        Reason.KEY_NOT_ALLOWED: "This key may not sign this type of pass.",
        Reason.KEY_OUTSIDE_WINDOW: "The pass was signed outside its key's time.",
        Reason.CLAIM_INVALID: "What the pass says does not fit its type.",
        Reason.NOT_YET_VALID: "The pass is not yet valid.",
        Reason.EXPIRED: "The pass has expired.",
        Reason.REVOKED: "The pass was revoked.",
        Reason.SUSPENDED: "The pass is suspended at the moment.",
        Reason.STATUS_MISSING: "The pass has no reference to a status list.",
        Reason.STATUS_OUT_OF_RANGE: "The pass has no place on its status list.",
        Reason.STATUS_UNKNOWN_VALUE: "The status list names an unknown status.",
        Reason.STATUS_UNAVAILABLE: "The status list is not available here.",
        Reason.STATUS_STALE: "The status list is too old.",
        Reason.TRUST_LIST_STALE: "The list of valid keys is missing or too old.",
        Reason.TYPE_UNAVAILABLE: "The description of this type of pass is not available here.",
        Reason.CLOCK_WRONG: "The clock of this device is behind. Set the time.",
        Reason.BAD_PROOF: "The live code does not come from the device that the pass is bound to.",
        Reason.PROOF_STALE: "The live code is more than 30 seconds old: a photo, or a screen that stood still.",
        Reason.PROOF_EARLY: "The live code comes from the future: one of the two clocks is wrong.",
    },
}
