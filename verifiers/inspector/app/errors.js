/** What can go wrong around judging: the store, the network, the invitation, the opening. Each has a stable `code`. */

import { WalletPassError } from "../src/errors.js";

/** The device's store cannot be read or written. What is in memory serves on; nothing that was stored is lost. */
export class StoreFailed extends WalletPassError {
  code = "store_failed";
}

/** There is no room left on the device. */
export class StoreFull extends StoreFailed {
  code = "store_full";
}

/** Nobody answered, or somebody else did: no network, a captive portal, a service that is busy. */
export class NoContact extends WalletPassError {
  code = "no_contact";
}

/** The service understood, and refused; `code` is its own word. */
export class ServiceRefused extends WalletPassError {
  /** @param {string} code @param {number} status */
  constructor(code, status) {
    super(`The service refused: ${code}.`);
    this.code = code;
    this.status = status;
  }
}

/** The link is no invitation (`invitation_invalid`), or one to another service (`invitation_elsewhere`). */
export class InvitationInvalid extends WalletPassError {
  /** @param {string} code */
  constructor(code) {
    super("The link does not invite this device to this service.");
    this.code = code;
  }
}

/** The service answered with another trust anchor than the invitation names: it is not the desk's. */
export class AnchorMismatch extends WalletPassError {
  code = "anchor_mismatch";
}

/** A PIN that will not do, is wrong, comes too soon (`again`: from when, NumericDate), or came once too often. */
export class PinRefused extends WalletPassError {
  /** @param {"pin_short" | "pin_wrong" | "pin_paused" | "pin_destroyed"} code @param {number} [again] */
  constructor(code, again) {
    super("The PIN was not taken.");
    this.code = code;
    this.again = again;
  }
}

/** The device's own authenticator was not asked, said no, or answered something that cannot be believed. */
export class PasskeyRefused extends WalletPassError {
  code = "passkey_refused";
}

/** What was sent encrypted cannot be opened here. */
export class JweInvalid extends WalletPassError {
  code = "jwe_invalid";
}

/** The app may not do this in the state it is in; `code` is that state. */
export class NotOpen extends WalletPassError {
  /** @param {string} state */
  constructor(state) {
    super("The app is not open.");
    this.code = state;
  }
}
