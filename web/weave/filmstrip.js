// Weave while it works: the chunk being denoised, the chunks that are finished, how long the rest takes, and how the
// picture has drifted.

import { addPanel, make, watch } from "../lib/panel.js";
import { clock, isNode, outputOf } from "../lib/values.js";
import { drawDrift } from "./drift.js";
import { RunProgress } from "./progress.js";

const HEIGHTS = { idle: 34, running: 176, finished: 320 };
const MEMORY_EVERY_MS = 5000;
const GIB = 2 ** 30;

const strips = new Set();

/** Have the server's messages reach the strips of all Weave nodes. */
export function listen(api) {
  const tell = (kind) => (event) => strips.forEach((strip) => strip[kind]?.(event.detail));
  api.addEventListener("motionweave.progress", tell("onProgress"));
  api.addEventListener("b_preview_with_metadata", tell("onPreview"));
  api.addEventListener("execution_start", tell("onStart"));
  api.addEventListener("execution_error", tell("onError"));
  api.addEventListener("execution_interrupted", tell("onInterrupted"));
}

/** Put a filmstrip on a Weave node. */
export function addFilmstrip(node, { app, api }) {
  const strip = new Filmstrip(node, api);
  strips.add(strip);
  const [removed, executed] = [node.onRemoved, node.onExecuted];
  node.onRemoved = function (...given) {
    strips.delete(strip);
    strip.close();
    return removed?.apply(this, given);
  };
  node.onExecuted = function (output) {
    executed?.call(this, output);
    strip.finish(output);
  };
  // Coming back to a workflow in another tab makes its nodes anew; ComfyUI keeps what they said.
  watch(
    node,
    strip.host,
    () => outputOf(app, node)?.motionweave?.length ?? 0,
    (count) => {
      if (count && !strip.progress) strip.finish(outputOf(app, node));
    },
  );
}

class Filmstrip {
  progress = null;
  #node;
  #api;
  #pictures = new Map(); // chunk -> object URL of its latest preview
  #rows = [];
  #memoryAt = 0;

  constructor(node, api) {
    [this.#node, this.#api] = [node, api];
    const panel = addPanel(node, "motionweave_filmstrip", "Chunks of this run", HEIGHTS.idle);
    [this.host, this.setHeight] = [panel.host, panel.setHeight];
    this.status = make("div", { class: "status", role: "status", text: "Chunks appear here while they are made." });
    this.bar = make("progress", { max: 1, value: 0, "aria-label": "Progress over all chunks", hidden: "" });
    this.left = make("div", { class: "quiet" });
    this.memory = make("div", { class: "quiet" });
    this.now = make("img", { class: "now", alt: "", hidden: "" });
    this.frames = make("ol", { class: "frames", "aria-label": "Chunks", tabindex: 0, hidden: "" });
    this.drift = make("div");
    const told = make("div", { class: "told-now" }, this.status, this.bar, this.left, this.memory);
    panel.root.append(make("div", { class: "head" }, this.now, told), this.frames, this.drift);
  }

  onStart() {
    // Whether this node runs at all, only its own messages tell; what is shown stays until then.
    this.progress = null;
  }

  onProgress(told) {
    if (!isNode(this.#node, told.node)) return;
    if (!this.progress) this.#begin();
    this.progress.take(told, performance.now());
    this.#showProgress();
    this.#showMemory();
  }

  onPreview({ blob, nodeId, displayNodeId }) {
    if (!this.progress || !(isNode(this.#node, displayNodeId) || isNode(this.#node, nodeId))) return;
    const chunk = this.progress.chunk;
    const before = this.#pictures.get(chunk);
    const url = URL.createObjectURL(blob);
    this.#pictures.set(chunk, url);
    this.now.src = url;
    this.now.alt = `Chunk ${chunk + 1}, as far as it is made`;
    this.now.hidden = false;
    this.#showFrames();
    if (before) URL.revokeObjectURL(before);
  }

  onError({ node_id }) {
    if (this.progress && isNode(this.#node, node_id)) this.#stop("Failed at");
  }

  onInterrupted() {
    if (this.progress) this.#stop("Cancelled at");
  }

  /** Show a finished run from what the node reported. */
  finish(output) {
    if (!output?.motionweave?.length) return;
    // Pictures of an earlier run stay for chunks that are still the same ones.
    if (!this.progress)
      output.motionweave.forEach(({ chunk, key }) => this.#rows[chunk]?.key === key || this.#drop(chunk));
    this.#rows = output.motionweave;
    this.progress = null;
    const reused = this.#rows.filter((row) => row.reused).length;
    const seconds = this.#rows.reduce((sum, row) => sum + (row.reused ? 0 : row.seconds), 0);
    const count = this.#rows.length;
    this.status.textContent = `${count} ${count === 1 ? "chunk" : "chunks"} finished`;
    this.left.textContent = reused
      ? `${count - reused} made in ${clock(seconds)}, ${reused} there already`
      : `Made in ${clock(seconds)}`;
    this.memory.textContent = output.motionweave_memory?.[0]?.line ?? "";
    this.bar.hidden = true;
    this.#showFrames();
    this.drift.replaceChildren(drawDrift(this.#rows));
    this.setHeight(HEIGHTS.finished);
  }

  close() {
    [...this.#pictures.keys()].forEach((chunk) => this.#drop(chunk));
  }

  #drop(chunk) {
    if (this.#pictures.has(chunk)) URL.revokeObjectURL(this.#pictures.get(chunk));
    this.#pictures.delete(chunk);
  }

  #begin() {
    this.progress = new RunProgress();
    this.close();
    this.#rows = [];
    this.drift.replaceChildren();
    this.memory.textContent = "";
    this.now.hidden = true;
    this.bar.hidden = this.frames.hidden = false;
    this.setHeight(HEIGHTS.running);
  }

  #stop(how) {
    this.status.textContent = `${how} ${this.progress.line().toLowerCase()}`;
    this.left.textContent = "Finished chunks are kept; queue again to go on.";
    this.bar.hidden = true;
    this.progress = null;
  }

  #showProgress() {
    const { progress } = this;
    const left = progress.secondsLeft(performance.now());
    this.status.textContent = progress.line();
    this.bar.value = progress.share;
    this.left.textContent = `${Math.round(progress.share * 100)} %` + (left === null ? "" : `, ${clock(left)} left`);
    this.#showFrames();
  }

  #showFrames() {
    const count = this.#rows.length || this.progress?.chunkCount || 0;
    const current = this.progress?.chunk ?? count;
    this.frames.hidden = !count;
    while (this.frames.childElementCount > count) this.frames.lastChild.remove();
    for (let chunk = 0; chunk < count; chunk++) {
      const frame = this.frames.children[chunk] ?? this.frames.appendChild(make("li"));
      const state = chunk < current ? "finished" : chunk === current ? "being made" : "waiting";
      const row = this.#rows[chunk];
      const told = row ? `${row.frames} frames, ${row.reused ? "there already" : clock(row.seconds)}` : state;
      const picture = this.#pictures.get(chunk) ?? "";
      const key = `${state} ${told} ${picture}`;
      if (frame.dataset.key === key) continue;
      Object.assign(frame.dataset, { key, state });
      frame.title = `Chunk ${chunk + 1}: ${told}`;
      frame.setAttribute("aria-label", frame.title);
      frame.replaceChildren(
        ...(picture ? [make("img", { src: picture, alt: "" })] : []),
        make("span", { text: chunk + 1 }),
      );
      if (state === "being made") this.frames.scrollLeft = frame.offsetLeft - this.frames.clientWidth / 2;
    }
  }

  async #showMemory() {
    const now = performance.now();
    if (now - this.#memoryAt < MEMORY_EVERY_MS) return;
    this.#memoryAt = now;
    const reply = await this.#api.fetchApi("/system_stats").catch(() => null);
    const told = reply?.ok ? await reply.json() : null;
    if (this.progress && told) this.memory.textContent = memoryLine(told);
  }
}

/** Say how much memory the device that works has left, from ComfyUI's `/system_stats`. */
export function memoryLine({ system, devices }) {
  const [device] = devices;
  const graphics = device && device.type !== "cpu";
  const [free, total] = graphics ? [device.vram_free, device.vram_total] : [system.ram_free, system.ram_total];
  return `Memory: ${((total - free) / GIB).toFixed(1)} of ${(total / GIB).toFixed(1)} GiB used`;
}
