// Curves as people write them, as motionweave/tracks/timeline.py reads them: `0: 0.2, 1.5: 1 ease, 4: 0`.

export const EASINGS = ["linear", "hold", "ease", "ease_in", "ease_out"];

const SHAPES = {
  linear: (t) => t,
  hold: () => 0,
  ease: (t) => t * t * (3 - 2 * t),
  ease_in: (t) => t * t,
  ease_out: (t) => t * (2 - t),
};

/** Read a curve: `{keys: [{time, value, easing}]}`, or `{error}` with what cannot be read. */
export function parseCurve(text) {
  const parts = String(text)
    .split(/[,;\n]/)
    .map((part) => part.trim())
    .filter(Boolean);
  if (parts.length === 1 && !parts[0].includes(":")) {
    const value = number(parts[0]);
    return value === null ? { error: `'${parts[0]}' is no number` } : { keys: [{ time: 0, value, easing: "linear" }] };
  }
  const keys = [];
  for (const part of parts) {
    const colon = part.indexOf(":");
    const words = part
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    if (colon < 0 || words.length < 1 || words.length > 2)
      return { error: `'${part}' is no keyframe, such as 1.5: 0.8 ease` };
    const [time, value, easing] = [number(part.slice(0, colon)), number(words[0]), words[1] ?? "linear"];
    if (time === null || value === null) return { error: `a number in '${part}' cannot be read` };
    if (!EASINGS.includes(easing)) return { error: `there is no easing '${easing}'; known are ${EASINGS.join(", ")}` };
    if (time < 0) return { error: `'${part}' is before 0 s` };
    if (keys.length && time <= keys.at(-1).time) return { error: `'${part}' is not later than the keyframe before it` };
    keys.push({ time, value, easing });
  }
  return keys.length ? { keys } : { error: "expected at least one keyframe, such as 0: 1" };
}

// Decimal numbers alone: what Python reads beside them (1_000, inf) is left to Python.
function number(text) {
  const word = text.trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) ? Number(word) : null;
}

/** Write a curve as people do. */
export function writeCurve(keys) {
  return keys
    .map(({ time, value, easing }) => `${time}: ${value}${easing === "linear" ? "" : ` ${easing}`}`)
    .join(", ");
}

/** Give the value at a moment, in seconds; a curve holds before its first keyframe and after its last. */
export function valueAt(keys, seconds) {
  let [index, above] = [-1, keys.length]; // the last keyframe that is not later, found by halves
  while (above - index > 1) {
    const middle = (index + above) >> 1;
    if (keys[middle].time <= seconds) index = middle;
    else above = middle;
  }
  if (index < 0) return keys[0].value;
  const [key, next] = [keys[index], keys[index + 1]];
  if (!next) return key.value;
  return key.value + (next.value - key.value) * SHAPES[key.easing]((seconds - key.time) / (next.time - key.time));
}

/** Round to a grid without the tail that binary fractions leave. */
export function rounded(value, grid) {
  return Number((Math.round(value / grid) * grid).toFixed(4));
}

/** Say over which values to draw, with room above and below. */
export function rangeOf(keys) {
  const values = keys.map((key) => key.value);
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
  const room = 0.1 * (high - low);
  return [low - room, high + room];
}
