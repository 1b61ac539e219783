/**
 * Names in certificates, looked at for their form only: nothing of them is shown or followed. A damaged one means a
 * damaged certificate, here as in Python. Sources: RFC 5280 sections 4.1.2.4, 4.2.1.6 and 4.2.1.13, X.690 section 8.
 */

import { decodeUtf8 } from "./bytes.js";
import * as der from "./der.js";

const BMP_STRING = 0x1e;
const UNIVERSAL_STRING = 0x1c;
const PRINTABLE_STRING = 0x13;
const UNIQUE_IDENTIFIER = "2.5.4.45"; // the one attribute that is a bit string
/** Octets, UTF-8, numeric, printable, teletex, IA5, both times, visible: all read as UTF-8. */
const TEXTS = new Set([0x04, 0x0c, 0x12, PRINTABLE_STRING, 0x14, 0x16, 0x17, 0x18, 0x1a]);
const PRINTABLE = /^[A-Za-z0-9 '()+,./:=?-]*$/;
const ADDRESS_BYTES = [4, 8, 16, 32]; // IP addresses, and networks with their mask

/** Damaged unless `work` succeeds. @template Value @param {() => Value} work @returns {Value} */
function sound(work) {
  try {
    return work();
  } catch {
    return der.damaged();
  }
}

/** A distinguished name. @param {der.Element} name @returns {Uint8Array} its own bytes */
export function readName(name) {
  for (const sets = new der.Elements(name.content); sets.more; ) readRelativeName(sets.next(der.SET).content);
  return name.whole;
}

/** @param {Uint8Array} content of a SET */
function readRelativeName(content) {
  const set = new der.Elements(content);
  if (!set.more) der.damaged();
  while (set.more) {
    const attribute = new der.Elements(set.next(der.SEQUENCE).content);
    const kind = der.readOid(attribute.next(der.OID));
    readAttribute(kind, attribute.next());
    attribute.end();
  }
}

/** @param {string} kind @param {der.Element} value */
function readAttribute(kind, value) {
  const { tag, content } = value;
  if (tag === UNIVERSAL_STRING || tag === BMP_STRING) return readWide(content, tag === BMP_STRING ? 2 : 4);
  if (tag === der.BIT_STRING && kind === UNIQUE_IDENTIFIER) return void der.readBits(value);
  if (!TEXTS.has(tag)) der.damaged();
  const text = sound(() => decodeUtf8(content));
  if (tag === PRINTABLE_STRING && !PRINTABLE.test(text)) der.damaged();
}

/** UTF-16 or UTF-32, big endian. @param {Uint8Array} content @param {number} size of a unit, in bytes */
function readWide(content, size) {
  if (content.length % size) der.damaged();
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  let text = "";
  for (let at = 0; at < content.length; at += size) {
    const code = size === 2 ? view.getUint16(at) : view.getUint32(at);
    if (code > 0x10ffff || (size === 4 && code >= 0xd800 && code < 0xe000)) der.damaged();
    text += size === 2 ? String.fromCharCode(code) : String.fromCodePoint(code);
  }
  if (/\p{Surrogate}/u.test(text)) der.damaged();
}

/** GeneralNames. @param {Uint8Array} content inside its SEQUENCE */
export function readGeneralNames(content) {
  for (const names = new der.Elements(content); names.more; ) readGeneralName(names.next());
}

/** @param {der.Element} name */
function readGeneralName({ tag, content, whole }) {
  if (tag === 0x81 || tag === 0x82 || tag === 0x86) {
    if (content.some((byte) => byte > 0x7f)) der.damaged(); // an address for mail, a host, a URI: ASCII
  } else if (tag === 0x87) {
    if (!ADDRESS_BYTES.includes(content.length)) der.damaged();
  } else if (tag === 0x88) {
    der.readOid({ tag: der.OID, content, whole });
  } else if (tag === 0xa4) {
    const directory = new der.Elements(content);
    readName(directory.next(der.SEQUENCE));
    directory.end();
  } else if (tag === 0xa0) {
    const other = new der.Elements(content);
    der.readOid(other.next(der.OID));
    other.next(0xa0);
    other.end();
  } else der.damaged();
}

/** The value of an extension that is GeneralNames. @param {Uint8Array} content */
export const readAlternativeName = (content) => readGeneralNames(der.only(content, der.SEQUENCE).data);

/** CRLDistributionPoints. @param {Uint8Array} content */
export function readDistributionPoints(content) {
  const points = der.only(content, der.SEQUENCE);
  while (points.more) {
    const point = new der.Elements(points.next(der.SEQUENCE).content);
    const place = point.optional(0xa0);
    if (place) readPlace(place.content);
    const reasons = point.optional(0x81);
    if (reasons) der.readBits(reasons);
    const issuer = point.optional(0xa2);
    if (issuer) readGeneralNames(issuer.content);
    point.end();
  }
}

/** DistributionPointName. @param {Uint8Array} content */
function readPlace(content) {
  const places = new der.Elements(content);
  const full = places.optional(0xa0);
  if (full) readGeneralNames(full.content);
  else readRelativeName(places.next(0xa1).content);
  places.end();
}
