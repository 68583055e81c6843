// Camera moves by name and by keyframes, as motionweave/tracks/camera_moves.py makes curves of them.

import { parseCurve, valueAt } from "../curve/curve.js";

export const MOVES = ["pan", "tilt", "roll", "zoom", "truck", "pedestal", "dolly", "orbit"];

export const CAMERA_PRESETS = {
  static: {},
  "push in": { dolly: 0.35 },
  "pull out": { dolly: -0.5 },
  "zoom in": { zoom: 1.6 },
  "zoom out": { zoom: 0.65 },
  "dolly zoom": { dolly: 0.4, zoom: 0.6 },
  "pan left": { pan: -15 },
  "pan right": { pan: 15 },
  "tilt up": { tilt: 10 },
  "tilt down": { tilt: -10 },
  roll: { roll: 10 },
  "truck left": { truck: -0.25 },
  "truck right": { truck: 0.25 },
  "crane up": { pedestal: 0.35, tilt: -18 },
  "orbit left": { orbit: -25 },
  "orbit right": { orbit: 25 },
  "arc in": { orbit: 20, dolly: 0.25 },
};
/** Trembles by random numbers that only the node draws. */
export const HANDHELD = "handheld";

const KEYS_PER_S = 12;
const JUMP_S = 1e-6;

/**
 * Give the path of Camera Path's inputs: `{moves: {name: keys}, frames}`, or `{error}` with what makes no path.
 *
 * `curve` is the text of a curve that replaces amount and easing, or null.
 */
export function pathOf({ preset, amount, seconds, fps, easing, moves, curve }) {
  const frames = frameCount(seconds, fps);
  if (frames < 1) return { error: `${seconds} s are no whole frame at ${fps} frames a second` };
  const own = parseMoves(moves);
  if (own.error) return own;
  const gone = curve
    ? parseCurve(curve)
    : { keys: [key(0, 0, easing), key(seconds, amount)] };
  if (gone.error) return gone;
  const curves = { ...own.moves };
  for (const [move, keys] of Object.entries(namedMoves(preset, gone.keys, seconds)))
    curves[move] = curves[move] ? together(move, keys, curves[move], seconds) : keys;
  return { ...checked(curves), frames };
}

/** Count the frames of a path, as Python rounds: halves to the even side. */
function frameCount(seconds, fps) {
  const exact = seconds * fps;
  const below = Math.floor(exact);
  if (exact - below !== 0.5) return Math.round(exact);
  return below % 2 ? below + 1 : below;
}

/** Read moves, one a line: `pan 0: 0, 2: 30 ease`. */
export function parseMoves(text) {
  const moves = {};
  for (const line of String(text).split(/\r\n|\r|\n/).map((each) => each.trim()).filter(Boolean)) {
    const [, first, rest] = line.match(/^([^ ]*) ?(.*)$/);
    const name = first.toLowerCase().replace(/:+$/, "");
    if (!MOVES.includes(name)) return { error: `'${line}' begins with no camera move, such as pan or dolly` };
    if (moves[name]) return { error: `'${name}' stands there twice; put all its keyframes into one line` };
    const read = parseCurve(rest);
    if (read.error) return { error: `${name}: ${read.error}` };
    moves[name] = read.keys;
  }
  return { moves };
}

const key = (time, value, easing = "linear") => ({ time, value, easing });

const affine = (keys, factor, offset = 0) => keys.map((each) => ({ ...each, value: offset + factor * each.value }));

function namedMoves(preset, gone, seconds) {
  const ends = CAMERA_PRESETS[preset];
  if (preset === "dolly zoom") {
    const dolly = affine(gone, ends.dolly);
    return { dolly, zoom: affine(dolly, -1, 1) };
  }
  return Object.fromEntries(
    Object.entries(ends).map(([move, end]) => [
      move,
      move === "zoom" ? readOff((time) => end ** valueAt(gone, time), seconds, gone) : affine(gone, end),
    ]),
  );
}

/** Add two curves of one move, or multiply two zooms. */
function together(move, first, second, seconds) {
  const joined =
    move === "zoom"
      ? (time) => valueAt(first, time) * valueAt(second, time)
      : (time) => valueAt(first, time) + valueAt(second, time);
  return readOff(joined, seconds, first, second);
}

/** Give a curve of any value, exact at the keyframes of the curves it comes from, and where they jump. */
function readOff(value, seconds, ...sources) {
  const count = Math.max(2, Math.ceil(seconds * KEYS_PER_S) + 1);
  const times = new Set(Array.from({ length: count - 1 }, (_, i) => i * (seconds / (count - 1))));
  times.add(seconds);
  for (const keys of sources) {
    for (let i = 0; i + 1 < keys.length; i++) {
      times.add(keys[i].time).add(keys[i + 1].time);
      if (keys[i].easing === "hold") times.add(Math.max(keys[i].time, keys[i + 1].time - JUMP_S));
    }
  }
  return [...times].sort((a, b) => a - b).map((time) => key(time, value(time)));
}

function checked(moves) {
  const values = (move) => (moves[move] ?? []).map((each) => each.value);
  const [zoom, dolly] = [Math.min(...values("zoom")), Math.max(...values("dolly"))];
  if (zoom <= 0) return { error: `zoom goes to ${zoom}; it has to stay above 0` };
  if (dolly >= 1) return { error: `dolly goes to ${dolly}; it has to stay below 1, where the subject stands` };
  return { moves };
}
