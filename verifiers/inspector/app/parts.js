/**
 * The parts behind the session's checks, each made with the ground (`ground.js`). The session asks `checks` to judge and
 * to look up; all of them report at each contact and hear what came of it.
 *
 * @typedef {import("./ground.js").Ground} Ground
 * @typedef {import("./ground.js").Part} Part
 *
 * @typedef {object} Checks what the session hands on to, with the words of its own methods
 * @property {(text: string) => Promise<any>} judge
 * @property {(plate: string, zones: readonly string[]) => Promise<any>} lookUp
 * @property {(nonce: string, plate: string) => Promise<any>} confirmPlate
 * @property {(filed: {nonce: string, note: string, photo: Blob | null}) => Promise<void>} fileCase
 * @property {() => Promise<{waiting: number, quarantined: {scan: any, code: string}[], cases: number}>} queue
 * @property {(nonce: string) => Promise<void>} retryQuarantined
 */

import { Judging } from "./judging.js";
import { LookUps } from "./look_ups.js";

/** @param {Ground} ground @returns {{checks: Partial<Checks>, parts: Part[]}} */
export function makeParts(ground) {
  const judging = new Judging(ground);
  const lookUps = new LookUps(ground, judging.noteLookUp.bind(judging));
  const checks = {
    judge: judging.judge.bind(judging),
    lookUp: lookUps.lookUp.bind(lookUps),
    confirmPlate: judging.confirmPlate.bind(judging),
    fileCase: judging.fileCase.bind(judging),
    queue: judging.queue.bind(judging),
    retryQuarantined: judging.retryQuarantined.bind(judging),
  };
  return { checks, parts: [judging, lookUps] };
}
