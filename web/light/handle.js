// Where on the picture of the sphere a light is held: over the spot that it lights, in front; in the ring around the
// sphere, from behind, the further out the more so.

import { directionOf } from "./spherical_harmonics.js";

/** How far beyond the sphere's edge "straight from behind" lies, in radii. */
export const RING = 0.35;

const { atan2, asin, hypot, PI } = Math;
const degrees = (angle) => (angle * 180) / PI;

/** Give the place of a light's handle, in radii from the sphere's middle, y up. */
export function placeOf(azimuth, elevation) {
  const [x, y, z] = directionOf(azimuth, elevation);
  const flat = hypot(x, y);
  if (z >= 0) return [x, y];
  if (flat < 1e-9) return [0, 1 + RING]; // straight from behind could be anywhere on the rim: the top
  const reach = (1 + RING * (1 - flat)) / flat;
  return [x * reach, y * reach];
}

/** Give the azimuth and elevation of a light held at a place, in whole degrees. */
export function lightAt(x, y) {
  const distance = hypot(x, y);
  const flat = distance <= 1 ? 1 : Math.max(0, 1 - (distance - 1) / RING) / distance;
  const depth = Math.sqrt(Math.max(0, 1 - hypot(x * flat, y * flat) ** 2)) * (distance <= 1 ? 1 : -1);
  const azimuth = Math.round(degrees(atan2(x * flat, depth)));
  return {
    azimuth: azimuth === -180 ? 180 : azimuth,
    elevation: Math.round(degrees(asin(Math.min(1, Math.max(-1, y * flat))))),
  };
}
