// The path of Camera Path from above and from the side: the very cameras that the model is told, frame by frame.

import { addPanel, make, makeTimeSlider, onDrag, watch } from "../lib/panel.js";
import { feeding, isLinked, outputOf, valuesOf, widgetOf } from "../lib/values.js";
import { camerasOf, frustumOf, spread } from "./cameras.js";
import { HANDHELD, pathOf } from "./moves.js";

const INPUTS = ["preset", "amount", "seconds", "fps", "easing", "moves", "seed"];
const HEIGHT = 232;
const SIDE = 160; // of a drawing
const ROOM = 26; // around the path in it
// Which axes of the world go right and down; from above the viewer's side is below, from the right it is to the left.
const VIEWS = [
  { title: "from above", flat: ([x, , z]) => [x, z] },
  { title: "from the right", flat: ([, y, z]) => [-z, -y] },
];

/** Put a preview on a Camera Path node. */
export function addCameraPreview(node, { app }) {
  new CameraPreview(node, app);
}

class CameraPreview {
  #node;
  #app;
  #cameras = [];
  #rate = 24;
  #frames = 0;
  #chosen = 0; // index among the cameras that are drawn

  constructor(node, app) {
    [this.#node, this.#app] = [node, app];
    const panel = addPanel(node, "motionweave_camera", "Camera path", HEIGHT);
    this.told = make("div", { class: "status", role: "status" });
    this.views = VIEWS.map(({ title }) =>
      make("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "view", role: "img", "aria-label": `Path ${title}` }),
    );
    this.time = makeTimeSlider("Moment of the path", (index) => this.#choose(index));
    this.place = make("div", { class: "quiet" });
    panel.root.append(this.told, make("div", { class: "views" }, ...this.views), this.time, this.place);
    for (const [index, view] of this.views.entries())
      onDrag(view, view, { start: (at) => this.#nearest(index, at), move: (at) => this.#nearest(index, at) });
    this.look = watch(node, panel.host, () => this.#read(), (read) => this.#draw(read));
  }

  #read() {
    const inputs = { ...valuesOf(this.#node, INPUTS), curve: curveOf(this.#node) };
    const linked = Object.values(inputs).includes(undefined);
    if (!linked && inputs.preset !== HANDHELD) return { inputs };
    // What comes from a link, or from chance, only the run knows.
    const told = outputOf(this.#app, this.#node)?.motionweave_camera?.[0];
    const same = (name) => inputs[name] === undefined || inputs[name] === told.inputs[name];
    if (told && (inputs.curve !== null) === told.inputs.curve && INPUTS.every(same)) return { told };
    return { waits: linked ? "The path shows when this has run." : "The trembling shows when this has run." };
  }

  #draw({ told, waits, inputs }) {
    const path = inputs && pathOf(inputs);
    const words = waits ?? path?.error;
    this.told.classList.toggle("error", Boolean(path?.error));
    this.views.forEach((view) => view.classList.toggle("unknown", Boolean(words)));
    this.time.disabled = Boolean(words);
    if (words) {
      this.told.textContent = words;
      return;
    }
    [this.#frames, this.#rate] = told ? [told.frames, told.fps] : [path.frames, inputs.fps];
    this.#cameras = told?.cameras ?? camerasOf(path.moves, spread(path.frames), inputs.fps);
    this.told.textContent = `${this.#frames} ${this.#frames === 1 ? "camera" : "cameras"}, ${this.#second(this.#frames)} s`;
    this.time.max = this.#cameras.length - 1;
    this.#choose(Math.min(this.#chosen, this.#cameras.length - 1));
  }

  #second = (frame) => Number((frame / this.#rate).toFixed(2));

  #choose(index) {
    this.#chosen = index;
    const { frame, rotation, position, focal } = this.#cameras[index];
    this.time.value = index;
    const near = Math.hypot(...position);
    const angle = (2 * Math.atan(0.5 / focal) * 180) / Math.PI;
    const [right, up] = [Math.atan2(-rotation[2][0], rotation[2][2]), Math.asin(clamped(-rotation[2][1]))];
    const degrees = (radians) => Math.round((radians * 180) / Math.PI) || 0;
    this.place.textContent =
      `Frame ${frame}, ${this.#second(frame)} s: ${near.toFixed(2)} from the subject, looks ${degrees(right)}° right ` +
      `and ${degrees(up)}° up, sees ${Math.round(angle)}°`;
    this.time.setAttribute("aria-valuetext", this.place.textContent);
    this.views.forEach((view, i) => view.replaceChildren(...this.#marks(VIEWS[i])));
  }

  #marks({ title, flat }) {
    const place = this.#placing(flat);
    const line = (points) => points.map((point) => place(point).map((value) => value.toFixed(1)).join(" ")).join("L");
    const frustum = (kind, camera) => {
      const [eye, a, b, c, d] = frustumOf(camera);
      return make("path", { class: `frustum ${kind}`, d: `M${line([a, b, c, d, a, eye, b])}M${line([c, eye, d])}` });
    };
    const [first, last] = [this.#cameras[0], this.#cameras.at(-1)];
    const [subject, start, end] = [place([0, 0, 0]), place(first.position), place(last.position)];
    const dots = this.#cameras.map(({ position }) => {
      const [cx, cy] = place(position);
      return make("circle", { class: "dot", cx: cx.toFixed(1), cy: cy.toFixed(1), r: 1.2 });
    });
    const name = (text, [x, y], below) =>
      make("text", { x, y: y + (below ? 14 : -7), "text-anchor": "middle", text });
    const apart = Math.hypot(end[0] - start[0], end[1] - start[1]) > 1;
    return [
      make("text", { x: 5, y: 12, text: title }),
      make("circle", { class: "subject", cx: subject[0], cy: subject[1], r: 5 }),
      name("subject", subject, subject[1] >= SIDE / 2),
      make("path", { class: "line", d: `M${line(this.#cameras.map((camera) => camera.position))}` }),
      ...dots,
      frustum("start", first),
      frustum("end", last),
      ...(apart ? [name("start", start, start[1] >= end[1]), name("end", end, start[1] < end[1])] : []),
      frustum("now", this.#cameras[this.#chosen]),
    ];
  }

  /** Give what puts a point of the world on a drawing that shows the whole path and the subject. */
  #placing(flat) {
    const points = [[0, 0, 0], ...this.#cameras.flatMap(frustumOf)].map(flat);
    const [low, high] = [Math.min, Math.max].map((most) => [0, 1].map((i) => most(...points.map((each) => each[i]))));
    const scale = (SIDE - 2 * ROOM) / Math.max(0.5, high[0] - low[0], high[1] - low[1]);
    return (point) => flat(point).map((value, i) => (value - (low[i] + high[i]) / 2) * scale + SIDE / 2);
  }

  /** Choose the camera that is nearest to a pressed place, in shares of a view, whose drawing lies in its middle. */
  #nearest(index, at) {
    if (!this.#cameras.length || this.time.disabled) return;
    const { width, height } = this.views[index].getBoundingClientRect();
    const [x, y] = [width, height].map((size, i) => SIDE * ((at[i] - 0.5) * (size / Math.min(width, height)) + 0.5));
    const place = this.#placing(VIEWS[index].flat);
    const away = this.#cameras.map(({ position }) => {
      const [left, top] = place(position);
      return Math.hypot(left - x, top - y);
    });
    this.#choose(away.indexOf(Math.min(...away)));
    this.time.focus();
  }
}

const clamped = (value) => Math.min(1, Math.max(-1, value));

/** Give the text of the curve that feeds the amount: null where none does, undefined where it is not known here. */
function curveOf(node) {
  if (!isLinked(node, "amount_curve")) return null;
  const timeline = feeding(node, "amount_curve");
  if (timeline?.comfyClass !== "MotionWeaveTimeline" || isLinked(timeline, "keyframes")) return undefined;
  return widgetOf(timeline, "keyframes")?.value;
}
