/**
 * A verdict for the ear and the hand: one tone and one pulse for accepted, two for refused, three for undetermined,
 * each outcome with a pitch of its own. Tones can be muted, pulses follow the phone's own setting.
 */

import { preference } from "./preferences.js";

/** Hertz of each tone. Accepted rises above the street's noise, refused is a low double beat. */
const TONES = {
  accepted: [1047],
  refused: [294, 294],
  undetermined: [587, 587, 587],
  neutral: [440],
  warning: [784, 988],
};
/** Milliseconds of pulses and pauses, by turns. */
const PULSES = {
  accepted: [180],
  refused: [220, 120, 220],
  undetermined: [120, 90, 120, 90, 120],
  neutral: [60],
  warning: [400],
};
const LENGTH = { accepted: 0.28, refused: 0.26, undetermined: 0.13, neutral: 0.12, warning: 0.16 }; // seconds of a tone
const PAUSE = 0.09; // seconds
const LULL = 300; // milliseconds between an outcome and a warning
const LOUDNESS = 0.35;

/** @typedef {keyof typeof TONES} Tone */

/** @type {AudioContext | null} */
let audio = null;

/** Browsers let a page sound only after a touch or a key: the first one opens it. */
export function openEars() {
  const open = () => {
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume().catch(() => undefined);
  };
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, open, { passive: true });
}

/** @param {Tone} tone @param {boolean} [warned] something stands out: two rising tones and a long pulse follow */
export function signal(tone, warned = false) {
  navigator.vibrate?.([...PULSES[tone], ...(warned ? [LULL, ...PULSES.warning] : [])]);
  if (audio?.state !== "running" || preference("muted")) return;
  const end = sound(audio, tone, audio.currentTime + 0.01);
  if (warned) sound(audio, "warning", end + LULL / 1000);
}

/** @param {AudioContext} context @param {Tone} tone @param {number} at seconds @returns {number} when it has ended */
function sound(context, tone, at) {
  for (const pitch of TONES[tone]) {
    const [oscillator, volume] = [context.createOscillator(), context.createGain()];
    oscillator.frequency.value = pitch;
    oscillator.type = "triangle";
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(LOUDNESS, at + 0.01); // without a crack at either end
    volume.gain.setValueAtTime(LOUDNESS, at + LENGTH[tone] - 0.03);
    volume.gain.linearRampToValueAtTime(0, at + LENGTH[tone]);
    oscillator.connect(volume).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + LENGTH[tone]);
    at += LENGTH[tone] + PAUSE;
  }
  return at;
}
