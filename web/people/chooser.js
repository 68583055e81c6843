// Who is seen in a clip, over the pictures that they were found in; a click keeps one of them.

import { addPanel, make, makeTimeSlider, watch } from "../lib/panel.js";
import { editDone, feeding, isLinked, outputOf, setValues, valuesOf } from "../lib/values.js";

const INPUTS = ["choice", "index"];
const HEIGHT = 270;
const PAD = 0.02; // around a person, in shares of the picture's longer side
// Pairs of OpenPose's 18 body points.
const LIMBS = [
  [1, 2], [1, 5], [2, 3], [3, 4], [5, 6], [6, 7], [1, 8], [8, 9], [9, 10], [1, 11], [11, 12], [12, 13], [1, 0],
  [0, 14], [14, 16], [0, 15], [15, 17],
];
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/** Put a choice of people on a Choose Person node. */
export function addPersonChooser(node, given) {
  new PersonChooser(node, given);
}

/** Say whether a choice keeps a person, who stands at a place of a frame's row, counted from the left. */
export function isKept(person, place, { choice, index }) {
  if (choice === "all") return true;
  if (choice === "track") return person.track === index;
  return choice === "index" ? place === index : Boolean(person[choice]);
}

/** Give the inputs that keep a person: by the place from the left where that is the choice, else through the clip. */
export function keeping(person, place, { choice }) {
  return choice === "index" ? { index: place } : { choice: "track", index: person.track };
}

class PersonChooser {
  #node;
  #app;
  #api;
  #told = null;
  #pictures = {};
  #values = {};
  #shown = 0; // which of the frames that were told of

  constructor(node, { app, api }) {
    [this.#node, this.#app, this.#api] = [node, app, api];
    const panel = addPanel(node, "motionweave_people", "People of the clip", HEIGHT);
    this.status = make("div", { class: "status", role: "status" });
    this.picture = make("svg", { class: "people", role: "radiogroup", "aria-label": "Person to keep", hidden: "" });
    this.time = makeTimeSlider("Frame to look at", (frame) => this.#show(frame));
    this.place = make("div", { class: "quiet" });
    this.picture.addEventListener("pointerdown", (event) => event.stopPropagation());
    panel.root.append(this.status, this.picture, this.time, this.place);
    this.look = watch(node, panel.host, () => this.#read(), (read) => this.#draw(read));
  }

  #read() {
    const told = outputOf(this.#app, this.#node)?.motionweave_people?.[0] ?? null;
    return { told, pictures: this.#film(), values: valuesOf(this.#node, INPUTS) };
  }

  /** Give the film's pictures by frame, from the node that read the poses, where it has told of them. */
  #film() {
    for (let at = feeding(this.#node, "pose"), steps = 0; at && steps < 50; at = feeding(at, "pose"), steps++) {
      const told = outputOf(this.#app, at)?.motionweave_footage?.[0];
      if (told) return Object.fromEntries(told.frames.map((frame, i) => [frame, told.pictures[i]]));
    }
    return {};
  }

  #draw({ told, pictures, values }) {
    if (told && told !== this.#told) this.#shown = fullest(told.frames);
    [this.#told, this.#pictures, this.#values] = [told, pictures, values];
    for (const part of [this.picture, this.time]) part.toggleAttribute("hidden", !told); // SVG has no such property
    if (!told) {
      this.status.textContent = "The people show when this has run.";
      return;
    }
    const { length } = told.frames;
    this.time.max = length - 1;
    this.#show(Math.min(this.#shown, length - 1));
  }

  #show(shown) {
    this.#shown = shown;
    const { canvas, frames, count } = this.#told;
    const { frame, people } = frames[shown];
    this.time.value = shown;
    this.time.setAttribute("aria-valuetext", `Frame ${frame}`);
    this.place.textContent = `Frame ${frame}: ${people.length} of ${count} ${count === 1 ? "person" : "people"}`;
    this.status.textContent = this.#say();
    this.picture.setAttribute("viewBox", `0 0 ${canvas.join(" ")}`);
    const held = this.picture.querySelector(":focus")?.dataset.place;
    const [width, height] = canvas;
    const file = this.#pictures[frame];
    const ground = file && make("image", { href: this.#address(file), x: 0, y: 0, width, height });
    const marks = people.map((person, place) => this.#mark(person, place));
    this.picture.replaceChildren(...(ground ? [ground] : []), ...marks);
    // One of the row is reached by Tab: the kept one, or the first.
    (marks.find((mark) => mark.getAttribute("aria-checked") === "true") ?? marks[0])?.setAttribute("tabindex", 0);
    if (held !== undefined) marks[Math.min(held, marks.length - 1)]?.focus();
  }

  #say() {
    const { choice, index } = this.#values;
    if (choice === undefined || index === undefined) return "The choice comes from a link.";
    if (choice === "all") return "Everybody is kept; click somebody to keep them alone.";
    if (choice === "index") return `Kept: number ${index + 1} from the left, in every frame.`;
    if (choice !== "track") return `Kept: the ${choice === "centre" ? "most central" : "largest"}, in every frame.`;
    const { count } = this.#told;
    return index < count
      ? `Kept: person ${index + 1} of ${count}, through the clip.`
      : `There is no person ${index + 1}; the clip shows ${count}.`;
  }

  #mark(person, place) {
    const kept = isKept(person, place, this.#values);
    const seen = person.joints.filter(Boolean);
    const pad = PAD * Math.max(...this.#told.canvas);
    const [xs, ys] = [0, 1].map((i) => seen.map((joint) => joint[i]));
    const [left, top] = [Math.min(...xs) - pad, Math.min(...ys) - pad];
    const box = seen.length && {
      x: left,
      y: top,
      width: Math.max(...xs) + pad - left,
      height: Math.max(...ys) + pad - top,
    };
    const limbs = LIMBS.filter(([a, b]) => person.joints[a] && person.joints[b])
      .map(([a, b]) => `M${person.joints[a].join(" ")}L${person.joints[b].join(" ")}`)
      .join("");
    const mark = make(
      "g",
      {
        class: "person",
        role: "radio",
        tabindex: -1,
        "data-place": place,
        "aria-checked": kept,
        "aria-label": `Person ${person.track + 1}`,
        onkeydown: (event) => this.#onKey(event, place),
        onclick: () => this.#keep(place), // after the press, which would take the focus away from what is drawn anew
      },
      ...(box ? ["edge", "box"].map((kind) => make("rect", { ...box, class: kind })) : []),
      make("path", { class: "halo", d: limbs }),
      make("path", { class: "limbs", d: limbs }),
    );
    const size = Math.max(...this.#told.canvas) / 22;
    if (box) mark.append(make("text", { x: left + pad / 2, y: top + size, "font-size": size, text: person.track + 1 }));
    return mark;
  }

  #onKey(event, place) {
    const step = STEPS[event.key];
    const count = this.#told.frames[this.#shown].people.length;
    if (step) this.#keep((place + step + count) % count);
    else if (event.key === "Enter" || event.key === " ") this.#keep(place);
    else return;
    event.preventDefault();
  }

  #keep(place) {
    if (INPUTS.some((name) => isLinked(this.#node, name))) return;
    setValues(this.#node, keeping(this.#told.frames[this.#shown].people[place], place, this.#values));
    this.look();
    this.picture.querySelector(`[data-place="${place}"]`)?.focus();
    editDone(this.#app);
  }

  #address({ filename, subfolder, type }) {
    return this.#api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
  }
}

/** Give the first of the frames that show most people. */
function fullest(frames) {
  const counts = frames.map(({ people }) => people.length);
  return counts.indexOf(Math.max(...counts));
}
