// What the chunks look like beside the first: colour, likeness and seams, as Weave reports them when it is done.

import { make } from "../lib/panel.js";

const HEIGHT = 22;

/** Give the measures of a run as lines: `[{title, values, show}]`; a value that was not measured is null. */
export function driftLines(rows) {
  const first = rows.find((row) => row.lab)?.lab;
  const away = (lab) => (lab && first ? Math.hypot(...lab.map((value, i) => value - first[i])) : null);
  return [
    { title: "Colour from chunk 1", unit: " Lab", digits: 1, values: rows.map((row) => away(row.lab)) },
    { title: "Likeness to the reference", unit: "", digits: 2, values: rows.map((row) => row.identity ?? null) },
    { title: "Seam over usual change", unit: "x", digits: 1, values: rows.map((row) => row.seam ?? null) },
  ].filter((line) => line.values.some((value) => value !== null));
}

/** Draw the lines, one below the other, each on its own scale from 0. */
export function drawDrift(rows) {
  const lines = driftLines(rows).map((line) => {
    const known = line.values.filter((value) => value !== null);
    const highest = Math.max(1e-6, ...known);
    const told = `${known.at(-1).toFixed(line.digits)}${line.unit}, at most ${highest.toFixed(line.digits)}`;
    return make(
      "div",
      { class: "drift" },
      make("span", { text: line.title }),
      make("span", { text: told }),
      plot(line, highest, told),
    );
  });
  return make("div", { class: "drifts" }, ...lines);
}

function plot(line, highest, told) {
  const wide = Math.max(1, line.values.length - 1);
  const places = line.values
    .map((value, i) => [(i / wide) * 100, value === null ? null : HEIGHT - 2 - (value / highest) * (HEIGHT - 4)])
    .filter(([, y]) => y !== null);
  const points = places.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
  return make(
    "svg",
    { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${line.title}: ${told}` },
    make("polyline", { points, class: "line" }),
  );
}
