// Light on matte surfaces in nine numbers a channel, as motionweave/tracks/spherical_harmonics.py has it: axes x right,
// y up, z toward the viewer; coefficients of the radiance that arrives, in the order Y00, Y1-1, Y10, Y11, Y2-2 ... Y22.

const { PI, sqrt } = Math;

/** What a matte surface keeps of each coefficient. */
export const LAMBERT = [PI, ...Array(3).fill((2 * PI) / 3), ...Array(5).fill(PI / 4)];

/** Least shading: order 2 rings below zero behind a strong light. */
export const DARKEST = 1e-3;

const [ZEROTH, FIRST, CROSS, ZONAL] = [
  0.5 * sqrt(1 / PI),
  sqrt(3 / (4 * PI)),
  sqrt(15 / (4 * PI)),
  sqrt(5 / (16 * PI)),
];

/** Evaluate the nine real basis functions in a direction. */
export function basis([x, y, z]) {
  return [
    ZEROTH,
    FIRST * y,
    FIRST * z,
    FIRST * x,
    CROSS * x * y,
    CROSS * y * z,
    ZONAL * (3 * z * z - 1),
    CROSS * x * z,
    0.5 * CROSS * (x * x - y * y),
  ];
}

/** Give the unit vector toward a light: degrees around the character, and above the horizon. */
export function directionOf(azimuth, elevation) {
  const [turn, height] = [(azimuth * PI) / 180, (elevation * PI) / 180];
  return [Math.sin(turn) * Math.cos(height), Math.sin(height), Math.cos(turn) * Math.cos(height)];
}

/** Give what a white matte surface that faces a way reflects, RGB. */
export function shading(normal, coefficients) {
  const seen = basis(normal);
  return [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let k = 0; k < 9; k++) sum += seen[k] * LAMBERT[k] * coefficients[k][channel];
    return Math.max(sum / PI, DARKEST);
  });
}
