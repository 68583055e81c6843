// Where a run stands, from the messages that the server sends while Weave works.

/** Counts steps, so that what was there already (reused chunks take no time) does not make the rest look short. */
export class RunProgress {
  stage = "denoise";
  chunk = 0;
  chunkCount = 1;
  step = 0;
  stepCount = 1;
  #made = 0; // steps seen
  #since = null; // when counting began, in ms

  /** Take a `motionweave.progress` message that came at `now`, in ms. */
  take({ stage, chunk, chunk_count, step, step_count }, now) {
    const moved = chunk === this.chunk && stage === this.stage ? step - this.step : step;
    if (this.#since === null || chunk_count !== this.chunkCount || step_count !== this.stepCount) {
      [this.#since, this.#made] = [now, 0]; // the time before the first message went into loading
    } else if (stage === "denoise") {
      this.#made += Math.max(0, moved);
    }
    Object.assign(this, { stage, chunk, chunkCount: chunk_count, step, stepCount: step_count });
  }

  /** How much is done, 0 to 1. */
  get share() {
    return Math.min(1, (this.chunk * this.stepCount + this.step) / (this.chunkCount * this.stepCount));
  }

  /** Seconds to the end of all chunks; null until a step has been timed. */
  secondsLeft(now) {
    if (!this.#made) return null;
    const each = (now - this.#since) / 1000 / this.#made;
    return each * ((this.chunkCount - this.chunk) * this.stepCount - this.step);
  }

  line() {
    const where = `Chunk ${this.chunk + 1} of ${this.chunkCount}`;
    return this.stage === "decode" ? `${where}, decoding` : `${where}, step ${this.step} of ${this.stepCount}`;
  }
}
