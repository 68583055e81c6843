// The chunks of Plan Chunks over the seconds of the video, as its inputs change.

import { addPanel, make, watch } from "../lib/panel.js";
import { clock, feeding, isLinked, valuesOf, widgetOf } from "../lib/values.js";
import { anchors, factsByName, planOf, readPlan, windowsOf } from "./windows.js";

const INPUTS = [
  "frames",
  "fps",
  "chunk_frames",
  "overlap",
  "context",
  "blend",
  "fade",
  "reinject_every",
  "border_reach",
];
const HEIGHT = 122;
const [WIDE, HIGH, BAR] = [320, 62, 20]; // of the drawing
const MOST = 2000; // windows to draw; more would be thinner than a hair

/** Put a chunk timeline on a Plan Chunks node. */
export function addPlanTimeline(node) {
  const timeline = new PlanTimeline(node);
  const executed = node.onExecuted;
  node.onExecuted = function (output) {
    executed?.call(this, output);
    timeline.made(output?.motionweave_plan?.[0]);
  };
}

class PlanTimeline {
  #node;
  #made = null; // the plan of the last run, and the inputs it was made of
  #chosen = 0;
  #windows = [];
  #plan = null;

  constructor(node) {
    this.#node = node;
    const panel = addPanel(node, "motionweave_plan", "Chunks over the seconds of the video", HEIGHT);
    this.told = make("div", { class: "status", role: "status" });
    this.plot = make("svg", {
      viewBox: `0 0 ${WIDE} ${HIGH}`,
      preserveAspectRatio: "none",
      class: "chunks",
      tabindex: 0,
      role: "slider",
      "aria-label": "Chunks; left and right arrow choose one",
      "aria-valuemin": 1,
    });
    this.axis = make("div", { class: "axis" });
    this.chunk = make("div", { class: "quiet" });
    panel.root.append(this.told, this.plot, this.axis, this.chunk);
    this.plot.addEventListener("keydown", (event) => this.#onKey(event));
    this.plot.addEventListener("pointerdown", (event) => this.#onPress(event));
    this.look = watch(node, panel.host, () => this.#read(), (read) => this.#draw(read));
  }

  made(told) {
    if (!told) return;
    this.#made = { plan: readPlan(told), of: JSON.stringify(this.#inputs()) };
    this.look();
  }

  #inputs() {
    return { ...valuesOf(this.#node, INPUTS), backbone: backboneOf(this.#node) };
  }

  #read() {
    const inputs = this.#inputs();
    const text = JSON.stringify(inputs);
    if (this.#made?.of === text) return { plan: this.#made.plan, exact: true };
    const linked = INPUTS.filter((name) => isLinked(this.#node, name));
    if (linked.length) return { error: `${linked.join(", ")}: from a link; the chunks show when this has run.` };
    if (!inputs.backbone) return { error: "Connect a backbone to see the chunks." };
    const facts = factsByName(inputs.backbone);
    // The pose track's length and rate are known once it has been made.
    const frames = inputs.frames || this.#made?.plan.frameCount;
    const fps = inputs.fps || (isLinked(this.#node, "pose") ? this.#made?.plan.fps : facts.fps);
    if (!frames) return { error: "As long as the pose track; the chunks show when this has run." };
    const plan = planOf({ ...inputs, frames, fps }, facts);
    return plan.error ? plan : { plan };
  }

  #draw({ plan, error, exact }) {
    this.told.classList.toggle(
      "error",
      Boolean(error) && !error.includes("when this has run") && !error.startsWith("Connect"),
    );
    this.plot.classList.toggle("unknown", Boolean(error));
    [this.#plan, this.#windows] = [plan ?? null, plan ? windowsOf(plan) : []];
    this.#chosen = Math.min(this.#chosen, Math.max(0, this.#windows.length - 1));
    this.told.textContent = error ?? this.#sum(exact);
    this.#marks();
  }

  #sum(exact) {
    const { frameCount, fps } = this.#plan;
    const count = this.#windows.length;
    const denoised = this.#windows.reduce((sum, each) => sum + each.stop - each.start, 0);
    const length = frameCount / fps < 60 ? `${Number((frameCount / fps).toFixed(2))} s` : clock(frameCount / fps);
    const moved = !exact && widgetOf(this.#node, "border_reach")?.value ? "; joins still move" : "";
    const chunks = `${count} ${count === 1 ? "chunk" : "chunks"}`;
    return `${chunks}, ${length}, ${(denoised / frameCount).toFixed(2)} frames denoised a frame${moved}`;
  }

  #marks() {
    const plan = this.#plan;
    this.plot.replaceChildren();
    this.axis.replaceChildren();
    this.chunk.textContent = "";
    if (!plan) return;
    const x = (frame) => (frame / plan.frameCount) * WIDE;
    this.#windows.slice(0, MOST).forEach(({ start, stop, context }, index) => {
      const top = 3 + (index % 2) * (BAR + 6);
      const chosen = index === this.#chosen ? " chosen" : "";
      const box = (kind, from, to) =>
        make("rect", { class: kind + chosen, x: x(from), y: top, width: Math.max(0.3, x(to) - x(from)), height: BAR });
      this.plot.append(box("fresh", start + context, stop));
      if (context) this.plot.append(box("context", start, start + context));
      if (plan.fade && index)
        this.plot.append(box("fade", Math.max(start, start + context - plan.fade), start + context));
      if (anchors(plan, index))
        this.plot.append(
          make("rect", { class: "anchor", x: x(start + context) - 0.75, y: 0, width: 1.5, height: HIGH - 6 }),
        );
    });
    const seconds = plan.frameCount / plan.fps;
    this.axis.append(
      ...[0, 0.25, 0.5, 0.75, 1].map((share) => make("span", { text: `${Number((share * seconds).toFixed(2))} s` })),
    );
    this.#tell();
  }

  #tell() {
    const { start, stop, context } = this.#windows[this.#chosen];
    const second = (frame) => Number((frame / this.#plan.fps).toFixed(2));
    const parts = [
      `Chunk ${this.#chosen + 1}: frames ${start + context} to ${stop - 1}, ${second(start + context)} to ${second(stop)} s`,
    ];
    if (context) parts.push(`${context} before it known`);
    if (anchors(this.#plan, this.#chosen)) parts.push("anchored by the reference");
    this.chunk.textContent = parts.join("; ");
    this.plot.setAttribute("aria-valuenow", this.#chosen + 1);
    this.plot.setAttribute("aria-valuemax", this.#windows.length);
    this.plot.setAttribute("aria-valuetext", this.chunk.textContent);
  }

  #onKey(event) {
    const last = this.#windows.length - 1;
    const next = { ArrowLeft: this.#chosen - 1, ArrowRight: this.#chosen + 1, Home: 0, End: last }[event.key];
    if (next === undefined || !this.#plan) return;
    event.preventDefault();
    this.#chosen = Math.max(0, Math.min(last, next));
    this.#marks();
  }

  #onPress(event) {
    event.stopPropagation();
    this.plot.focus();
    if (!this.#plan) return;
    const box = this.plot.getBoundingClientRect();
    const frame = ((event.clientX - box.left) / box.width) * this.#plan.frameCount;
    this.#chosen = Math.max(
      0,
      this.#windows.findIndex(({ stop }) => frame < stop),
    );
    this.#marks();
  }
}

/** Give the model that a backbone was loaded from, through nodes that change it; null where it cannot be told. */
function backboneOf(node) {
  for (let at = node, steps = 0; at && steps < 50; steps++) {
    at = feeding(at, "backbone");
    const model = at && widgetOf(at, "model")?.value;
    if (model) return model;
  }
  return null;
}
