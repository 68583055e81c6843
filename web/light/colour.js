// sRGB, linear light, and colours as people write them, as motionweave/tracks/linear_light.py has them.

const [COOLEST_K, HOTTEST_K] = [1667, 25000];

const TO_RGB = [
  [3.2404542, -1.5371385, -0.4985314],
  [-0.969266, 1.8760108, 0.041556],
  [0.0556434, -0.2040259, 1.0572252],
];

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const brightestIsOne = (light) => light.map((value) => value / Math.max(...light));

export function linearFromSrgb(value) {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

export function srgbFromLinear(value) {
  const light = Math.min(1, Math.max(0, value));
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** Read `#ffb46b`, `#fb6` or `3200K` as linear RGB whose brightest channel is 1; null where it is no light. */
export function readColour(text) {
  const word = String(text).trim();
  if (/^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(word)) {
    const digits = word.length === 7 ? word.slice(1) : [...word.slice(1)].map((digit) => digit + digit).join("");
    const linear = [0, 2, 4].map((i) => linearFromSrgb(parseInt(digits.slice(i, i + 2), 16) / 255));
    return Math.max(...linear) > 0 ? brightestIsOne(linear) : null;
  }
  const kelvin = Number(/^(\d+(?:\.\d+)?)\s*k$/i.exec(word)?.[1] ?? NaN);
  if (!(kelvin >= COOLEST_K && kelvin <= HOTTEST_K)) return null;
  const white = planckian(6500);
  return brightestIsOne(planckian(kelvin).map((value, i) => Math.max(0, value / white[i])));
}

// Linear sRGB of luminance 1 on the Planckian locus: the cubic fit of Kim et al., US patent 7024034 (2006).
function planckian(kelvin) {
  const powers = [1e9 / kelvin ** 3, 1e6 / kelvin ** 2, 1e3 / kelvin, 1];
  const x = dot(
    powers,
    kelvin <= 4000 ? [-0.2661239, -0.2343589, 0.8776956, 0.17991] : [-3.0258469, 2.1070379, 0.2226347, 0.24039],
  );
  let fit = [3.081758, -5.8733867, 3.75112997, -0.37001483];
  if (kelvin <= 2222) fit = [-1.1063814, -1.3481102, 2.18555832, -0.20219683];
  else if (kelvin <= 4000) fit = [-0.9549476, -1.37418593, 2.09137015, -0.16748867];
  const y = dot(fit, [x ** 3, x ** 2, x, 1]);
  return TO_RGB.map((row) => dot(row, [x / y, 1, (1 - x - y) / y]));
}
