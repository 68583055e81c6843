// Which frames are denoised together, as motionweave/longform/plan.py cuts them.

// What is known about backbones by name, as motionweave/backbones/svd_facts.py tells them apart; others say it when they
// run.
const SVD_XT = { window: 25, chunkFrames: 17, overlap: 8, fps: 7, steps: 25 };
const SVD = { ...SVD_XT, window: 14, chunkFrames: 10, overlap: 4 };
const MINI = { window: 12, chunkFrames: 8, overlap: 4, fps: 30, steps: 8 };

/** Give a backbone's facts by the name of its file or folder. */
export function factsByName(name) {
  const stem = String(name)
    .split(/[\\/]/)
    .at(-1)
    .replace(/\.(safetensors|ckpt)$/i, "");
  if (stem === "mini-svd") return MINI;
  if (/xt[-_. ]?v?1[-_.]1/i.test(stem)) return { ...SVD_XT, fps: 6 };
  return /svd|stable.?video|img2vid/i.test(stem) && !/xt/i.test(stem) ? SVD : SVD_XT;
}

/** Give a plan of Plan Chunks' inputs and a backbone's facts, or `{error}` with what makes no plan. */
export function planOf(inputs, facts) {
  const overlap = inputs.overlap < 0 ? facts.overlap : inputs.overlap;
  const asked = inputs.blend ?? "auto";
  const half = Math.ceil(overlap / 2);
  const most = asked !== "auto" || inputs.border_reach ? half : overlap;
  const fade = inputs.fade || (asked === "cut" ? 0 : most);
  const blend = asked !== "auto" ? asked : fade ? "cosine" : "cut";
  const plan = {
    frameCount: inputs.frames,
    fps: inputs.fps || facts.fps,
    chunkFrames: inputs.chunk_frames || facts.chunkFrames,
    overlap,
    shortest: facts.window,
    context: inputs.context ?? "sequential",
    fade,
    reinjectEvery: inputs.reinject_every ?? 0,
    borders: [],
  };
  if (plan.overlap > plan.chunkFrames) {
    return { error: `An overlap of ${plan.overlap} is longer than the ${plan.chunkFrames} new frames of a chunk.` };
  }
  if (blend === "cut" && plan.fade) return { error: "A cut fades over no frames; set fade to 0, or another blend." };
  if (blend !== "cut" && !plan.fade) return { error: `A ${blend} fade needs an overlap to fade over; it is 0.` };
  if (plan.fade > plan.overlap)
    return { error: `A fade over ${plan.fade} frames needs an overlap of as many; it is ${plan.overlap}.` };
  if (plan.reinjectEvery && plan.context !== "sequential") {
    return { error: "Anchors change nothing unless the context is 'sequential'; set reinject_every to 0." };
  }
  return plan;
}

/** Give the windows in order: `[{start, stop, context}]`, in frames; `context` of them a chunk before has made. */
export function windowsOf({ frameCount, chunkFrames, overlap, shortest, borders = [] }) {
  const even = Array.from({ length: Math.ceil(frameCount / chunkFrames) }, (_, i) => i * chunkFrames);
  const starts = borders.length ? [0, ...borders] : even;
  const widest = chunkFrames + overlap;
  return starts.map((first, index) => {
    const stop = starts[index + 1] ?? frameCount;
    const fewest = stop === frameCount ? shortest : borders.length ? Math.min(shortest, widest) : 0;
    const start = Math.max(0, Math.min(first - overlap, stop - fewest), stop - Math.max(widest, fewest));
    return { start, stop, context: first - start };
  });
}

/** Say whether the reference anchors a chunk again. */
export const anchors = ({ reinjectEvery }, index) => Boolean(reinjectEvery) && index > 0 && index % reinjectEvery === 0;

/** Read a plan as Plan Chunks reports it when it has run: the values of plan.json. */
export function readPlan(told) {
  const [above, below = 1] = String(told.fps).split("/").map(Number);
  return {
    frameCount: told.frame_count,
    fps: above / below,
    chunkFrames: told.chunk_frames,
    overlap: told.overlap,
    shortest: told.shortest,
    context: told.context,
    fade: told.fade,
    reinjectEvery: told.reinject_every,
    borders: told.borders ?? [],
  };
}
