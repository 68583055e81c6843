// The curve of Timeline, drawn over seconds and edited by hand. Its text stays what counts.

import { addPanel, make, onDrag, watch } from "../lib/panel.js";
import { editDone, isLinked, setValues, valuesOf } from "../lib/values.js";
import { EASINGS, parseCurve, rangeOf, rounded, valueAt, writeCurve } from "./curve.js";

const HEIGHT = 206;
const [WIDE, HIGH] = [320, 150]; // of the drawing
const [LEFT, BOTTOM] = [34, 18]; // room for the numbers
const HELP =
  "Double-click adds a keyframe. On a keyframe: drag or arrow keys move it, E changes its easing, Delete takes it away.";
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Put a curve editor on a Timeline node. */
export function addCurveEditor(node, { app }) {
  new CurveEditor(node, app);
}

class CurveEditor {
  #node;
  #app;
  #keys = [];
  #seconds = 4;
  #range = [0, 1];
  #dragging = false;

  constructor(node, app) {
    [this.#node, this.#app] = [node, app];
    const panel = addPanel(node, "motionweave_curve", "Curve over seconds", HEIGHT);
    this.plot = make("svg", {
      viewBox: `0 0 ${WIDE} ${HIGH}`,
      class: "plot",
      role: "group",
      "aria-label": `Curve. ${HELP}`,
    });
    this.told = make("div", { class: "status", role: "status" });
    this.help = make("div", { class: "quiet", text: HELP });
    panel.root.append(this.plot, this.told, this.help);
    this.plot.addEventListener("dblclick", (event) => this.#add(event));
    this.plot.addEventListener("pointerdown", (event) => event.stopPropagation());
    this.look = watch(node, panel.host, () => valuesOf(node, ["keyframes", "seconds"]), (values) => this.#read(values));
  }

  #read({ keyframes, seconds }) {
    const read = keyframes === undefined ? { error: "The keyframes come from a link." } : parseCurve(keyframes);
    this.told.classList.toggle("error", Boolean(read.error));
    this.told.textContent = read.error ?? "";
    this.plot.classList.toggle("unknown", Boolean(read.error));
    if (read.error) return;
    this.#keys = read.keys;
    this.#seconds = Math.max(0.05, seconds ?? 4, read.keys.at(-1).time);
    if (!this.#dragging) this.#range = rangeOf(read.keys);
    this.#draw();
  }

  #x = (time) => LEFT + (time / this.#seconds) * (WIDE - LEFT - 8);
  #y = (value) => HIGH - BOTTOM - ((value - this.#range[0]) / (this.#range[1] - this.#range[0])) * (HIGH - BOTTOM - 6);
  #time = (x) => ((x * WIDE - LEFT) / (WIDE - LEFT - 8)) * this.#seconds;
  #value = (y) =>
    this.#range[0] + ((HIGH - BOTTOM - y * HIGH) / (HIGH - BOTTOM - 6)) * (this.#range[1] - this.#range[0]);

  #draw() {
    const held = [...this.plot.querySelectorAll(".key")];
    const marks = [...this.#grid(), make("path", { class: "line", d: this.#path() })];
    this.plot.querySelectorAll(":scope > :not(.key)").forEach((mark) => mark.remove());
    this.plot.prepend(...marks);
    // Handles stay the same elements, so that one keeps its focus and its pointer while it moves.
    this.#keys.forEach((key, index) => {
      const handle = held[index] ?? this.plot.appendChild(this.#handle(index));
      handle.setAttribute("cx", this.#x(key.time));
      handle.setAttribute("cy", this.#y(key.value));
      handle.setAttribute("aria-valuenow", key.value);
      handle.setAttribute("aria-valuetext", `${key.value} at ${key.time} seconds, then ${key.easing}`);
    });
    held.slice(this.#keys.length).forEach((handle) => handle.remove());
  }

  #grid() {
    const steps = [0, 0.25, 0.5, 0.75, 1];
    const [low, high] = this.#range;
    const every = niceStep((high - low) / 4);
    const levels = [];
    for (let value = Math.ceil(low / every) * every; value <= high; value += every) levels.push(rounded(value, every));
    return [
      ...levels.flatMap((value) => [
        make("line", { class: "grid", x1: LEFT, x2: WIDE - 8, y1: this.#y(value), y2: this.#y(value) }),
        make("text", { x: LEFT - 4, y: this.#y(value) + 3, "text-anchor": "end", text: value }),
      ]),
      ...steps.map((share) => {
        const time = share * this.#seconds;
        return make("text", {
          x: this.#x(time),
          y: HIGH - 4,
          "text-anchor": "middle",
          text: `${Number(time.toFixed(2))} s`,
        });
      }),
    ];
  }

  #path() {
    const count = 160;
    const times = Array.from({ length: count + 1 }, (_, i) => (i / count) * this.#seconds);
    // Both sides of each keyframe, so that the step of 'hold' is upright.
    for (const { time } of this.#keys) times.push(time, Math.max(0, time - 1e-6));
    const points = times
      .sort((a, b) => a - b)
      .map((t) => `${this.#x(t).toFixed(2)} ${this.#y(valueAt(this.#keys, t)).toFixed(2)}`);
    return `M${points.join("L")}`;
  }

  #handle(index) {
    const handle = make("circle", {
      class: "key",
      r: 6,
      tabindex: 0,
      role: "slider",
      "aria-label": `Keyframe ${index + 1}`,
    });
    onDrag(handle, this.plot, {
      start: () => (this.#dragging = true),
      move: ([x, y], event) => this.#move(index, this.#time(x), this.#value(y), event.shiftKey ? 0.001 : 0.01),
      end: () => {
        this.#dragging = false;
        this.#write();
        editDone(this.#app);
      },
    });
    handle.addEventListener("focus", () => this.#tell(index));
    handle.addEventListener("keydown", (event) => this.#onKey(event, index));
    return handle;
  }

  /** Move a keyframe, between its neighbours. */
  #move(index, time, value, grid) {
    const keys = this.#keys.map((key) => ({ ...key }));
    const [before, after] = [keys[index - 1], keys[index + 1]];
    const earliest = before ? before.time + 0.01 : 0;
    const latest = after ? after.time - 0.01 : Math.max(this.#seconds, keys[index].time);
    keys[index].time = rounded(Math.min(latest, Math.max(earliest, time)), 0.001);
    if (!before || !after || latest - earliest > 0.02)
      keys[index].time = Math.max(earliest, rounded(keys[index].time, grid));
    keys[index].value = rounded(value, grid);
    this.#write(keys);
    this.#tell(index);
  }

  #onKey(event, index) {
    const key = this.#keys[index];
    const way = STEPS[event.key];
    if (way) {
      const by = event.shiftKey ? 0.01 : 0.05;
      this.#move(index, key.time + way[0] * by, key.value + way[1] * by, 0.01);
    } else if (event.key === "e" || event.key === "E") {
      const easing = EASINGS[(EASINGS.indexOf(key.easing) + 1) % EASINGS.length];
      this.#write(this.#keys.map((each, i) => (i === index ? { ...each, easing } : each)));
      this.#tell(index);
    } else if ((event.key === "Delete" || event.key === "Backspace") && this.#keys.length > 1) {
      this.#write(this.#keys.filter((_, i) => i !== index));
      this.plot.querySelectorAll(".key")[Math.max(0, index - 1)]?.focus();
    } else {
      return;
    }
    event.preventDefault();
    editDone(this.#app);
  }

  #add(event) {
    if (event.target.classList.contains("key") || this.plot.classList.contains("unknown")) return;
    const box = this.plot.getBoundingClientRect();
    const time = rounded(this.#time((event.clientX - box.left) / box.width), 0.01);
    if (time < 0 || this.#keys.some((key) => Math.abs(key.time - time) < 0.01)) return;
    const value = rounded(this.#value((event.clientY - box.top) / box.height), 0.01);
    const keys = [...this.#keys, { time, value, easing: "linear" }].sort((a, b) => a.time - b.time);
    this.#write(keys);
    this.plot.querySelectorAll(".key")[keys.findIndex((key) => key.time === time)]?.focus();
    editDone(this.#app);
  }

  #tell(index) {
    const key = this.#keys[index];
    if (key && !isLinked(this.#node, "keyframes"))
      this.told.textContent = `${key.time} s: ${key.value}, then ${key.easing}`;
  }

  #write(keys = this.#keys) {
    setValues(this.#node, { keyframes: writeCurve(keys) });
    this.look();
  }
}

/** Give the round step nearest above a size: 1, 2 or 5 times a power of ten. */
function niceStep(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * [1, 2, 5, 10].find((step) => step * power >= size * 0.999);
}
