// Where the camera stands and looks in each frame, as motionweave/tracks/camera.py gives it: x right, y up, z toward the
// viewer, the subject at the origin, lengths in units of its distance.

import { valueAt } from "../curve/curve.js";

const DEFAULT_FOCAL = 1.4;
const MOST = 241; // cameras to look at; more would lie on top of each other
const FRUSTUM = 0.16;
const { cos, sin } = Math;
const radians = (degrees) => (degrees * Math.PI) / 180;

/** Give some frames of a path, evenly, the first and the last among them. */
export function spread(count, most = MOST) {
  const shown = Math.min(count, most);
  return Array.from({ length: shown }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, shown - 1)));
}

/** Give the cameras of a path's frames: `[{frame, rotation, position, focal}]`, rotation as three rows. */
export function camerasOf(moves, frames, fps) {
  const at = (name, seconds) => (moves[name] ? valueAt(moves[name], seconds) : name === "zoom" ? 1 : 0);
  return frames.map((frame) => {
    const value = (name) => at(name, frame / fps);
    const turned = aboutY(radians(value("orbit")));
    const offset = [value("truck"), value("pedestal"), 1 - value("dolly")];
    const turns = [aboutZ(radians(value("roll"))), aboutX(radians(value("tilt"))), aboutY(-radians(value("pan")))];
    const rotation = [...turns, turned].reduce(times);
    return { frame, rotation, position: world(offset, turned), focal: DEFAULT_FOCAL * value("zoom") };
  });
}

/** Give the eye and the four far corners of what a camera sees, as points of the world. */
export function frustumOf({ rotation, position, focal }) {
  const half = 0.5 / focal;
  const corners = [
    [0, 0, 0],
    [-half, half, -1],
    [half, half, -1],
    [half, -half, -1],
    [-half, -half, -1],
  ];
  return corners.map((corner) =>
    world(
      corner.map((value) => value * FRUSTUM),
      rotation,
    ).map((value, i) => value + position[i]),
  );
}

const aboutY = (a) => [[cos(a), 0, -sin(a)], [0, 1, 0], [sin(a), 0, cos(a)]];
const aboutX = (a) => [[1, 0, 0], [0, cos(a), sin(a)], [0, -sin(a), cos(a)]];
const aboutZ = (a) => [[cos(a), -sin(a), 0], [sin(a), cos(a), 0], [0, 0, 1]];
const times = (a, b) => a.map((row) => [0, 1, 2].map((j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
/** Turn a camera's own direction into the world's. */
const world = (point, rotation) =>
  [0, 1, 2].map((j) => point.reduce((sum, value, i) => sum + value * rotation[i][j], 0));
