// Lamps, ambient light and named set-ups, as motionweave/tracks/light_setup.py has them, and what Light (SH) makes of
// its inputs, as nodes/light.py does. tests/canvas compares both with Python.

import { readColour } from "./colour.js";
import { basis, directionOf } from "./spherical_harmonics.js";

const lamp = (azimuth, elevation, strength, colour = "6500K", softness = 0) => ({
  azimuth,
  elevation,
  strength,
  colour,
  softness,
});
const setup = (lamps, ambient, ambientColour = "6500K") => ({ lamps, ambient, ambientColour });

export const LIGHT_PRESETS = {
  studio: setup([lamp(35, 35, 0.75, "5600K", 0.3), lamp(-45, 10, 0.25, "5600K", 0.7)], 0.15),
  "golden hour": setup([lamp(-65, 12, 1.0, "2600K", 0.15)], 0.25, "#9db4e0"),
  "blue hour": setup([lamp(0, 70, 0.25, "#7d9bff", 0.9)], 0.3, "#5f7fd6"),
  noon: setup([lamp(20, 75, 0.95, "5500K")], 0.25, "#cfe0ff"),
  overcast: setup([lamp(0, 80, 0.45, "7000K", 0.95)], 0.5, "7500K"),
  moonlight: setup([lamp(60, 50, 0.3, "#9fb8ff", 0.3)], 0.05, "#3a4a80"),
  candlelight: setup([lamp(25, -15, 0.65, "1900K", 0.3)], 0.06, "2200K"),
  rembrandt: setup([lamp(50, 45, 0.95, "4800K", 0.1)], 0.08),
  butterfly: setup([lamp(0, 50, 0.9, "5600K", 0.2), lamp(0, -40, 0.2, "5600K", 0.7)], 0.1),
  split: setup([lamp(90, 5, 1.1, "5600K", 0.4)], 0.04),
  loop: setup([lamp(35, 40, 0.85, "5600K", 0.2)], 0.18),
  rim: setup([lamp(145, 30, 1.3, "6500K", 0.5), lamp(-145, 30, 0.9, "6500K", 0.5)], 0.06),
  backlight: setup([lamp(180, 30, 1.5, "5200K", 0.5)], 0.12),
  neon: setup([lamp(-75, 5, 0.8, "#ff2fa0", 0.3), lamp(75, 5, 0.8, "#1fd6ff", 0.3)], 0.08, "#6a5cff"),
  horror: setup([lamp(0, -60, 0.9, "#cfe8c0")], 0.05),
  firelight: setup([lamp(-30, -25, 0.85, "1850K", 0.4)], 0.08, "2000K"),
  spotlight: setup([lamp(10, 65, 1.2, "5600K")], 0.04),
};

/** Give the set-up that Light (SH) makes of its inputs; a prompt is Python's to read, so there is none for one. */
export function setupOf({ preset, prompt, azimuth, elevation, key, fill, ambient, colour }) {
  if (prompt?.trim()) return null;
  if (preset !== "custom") return LIGHT_PRESETS[preset] ?? null;
  const side = azimuth < 0 ? 45 : -45;
  return setup([lamp(azimuth, elevation, key, colour), lamp(side, 10, fill, "6500K", 0.8)], ambient);
}

/** Give the coefficients of a set-up, nine rows of RGB, times a strength; null where a colour cannot be read. */
export function coefficientsOf({ lamps, ambient, ambientColour }, strength = 1) {
  const everywhere = readColour(ambientColour);
  const colours = lamps.map((each) => readColour(each.colour));
  if (!everywhere || colours.includes(null)) return null;
  const sum = Array.from({ length: 9 }, () => [0, 0, 0]);
  for (let c = 0; c < 3; c++) sum[0][c] += Math.sqrt(4 * Math.PI) * ambient * everywhere[c] * strength;
  lamps.forEach((each, i) => {
    // A soft lamp is a uniform cap of the sky, of which each order keeps its Legendre polynomial's mean.
    const edge = Math.cos((Math.PI / 2) * each.softness);
    const kept = [1, ...Array(3).fill((1 + edge) / 2), ...Array(5).fill((edge * (1 + edge)) / 2)];
    const seen = basis(directionOf(each.azimuth, each.elevation));
    for (let k = 0; k < 9; k++)
      for (let c = 0; c < 3; c++) sum[k][c] += kept[k] * seen[k] * Math.PI * each.strength * colours[i][c] * strength;
  });
  return sum;
}

/** Give the inputs with which "custom" comes nearest to a set-up: its first lamp as the key, its second as the fill. */
export function asCustom({ lamps: [key, fill], ambient }) {
  return {
    preset: "custom",
    azimuth: key.azimuth,
    elevation: key.elevation,
    key: key.strength,
    colour: key.colour,
    fill: fill?.strength ?? 0,
    ambient,
  };
}
