// The light sphere of Light (SH): drawn by the coefficients that the node gives to the model.

import { addPanel, make, onDrag, watch } from "../lib/panel.js";
import { editDone, isLinked, setValues, valuesOf } from "../lib/values.js";
import { srgbFromLinear } from "./colour.js";
import { lightAt, placeOf, RING } from "./handle.js";
import { asCustom, coefficientsOf, setupOf } from "./setup.js";
import { shading } from "./spherical_harmonics.js";

const INPUTS = ["preset", "prompt", "strength", "azimuth", "elevation", "key", "fill", "ambient", "colour"];
const AMOUNTS = [
  ["key", "Key light"],
  ["fill", "Fill light"],
  ["ambient", "Ambient light"],
];
const ALBEDO = 0.8;
const PIXELS = 192; // of the drawing, whatever its size on the screen
const HALF = 1 + RING + 0.1; // of the drawing, in radii
const HEIGHT = 208;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Put a light sphere on a Light (SH) node. */
export function addSphere(node, { app }) {
  new Sphere(node, app);
}

class Sphere {
  #node;
  #app;

  constructor(node, app) {
    [this.#node, this.#app] = [node, app];
    const panel = addPanel(node, "motionweave_sphere", "Light on a sphere", HEIGHT);
    this.canvas = make("canvas", { width: PIXELS, height: PIXELS, class: "sphere", role: "img" });
    this.handle = make("div", {
      class: "handle",
      role: "slider",
      tabindex: 0,
      "aria-label": "Key light's direction",
      "aria-valuemin": -180,
      "aria-valuemax": 180,
      title: "Drag to place the key light; arrow keys move it",
    });
    this.place = make("div", { class: "stage" }, this.canvas, this.handle);
    this.sliders = Object.fromEntries(AMOUNTS.map(([name, label]) => [name, this.#slider(name, label)]));
    this.note = make("div", { class: "quiet", role: "status" });
    this.back = make("button", { type: "button", text: "Use the sphere", hidden: "", onclick: () => this.#take() });
    const rows = AMOUNTS.map(([name, label]) =>
      make("label", { class: "amount" }, make("span", { text: label }), this.sliders[name]),
    );
    panel.root.append(
      make("div", { class: "light" }, this.place, make("div", { class: "amounts" }, ...rows, this.note, this.back)),
    );
    const end = () => editDone(app);
    const move = ([x, y]) => this.#set(lightAt((2 * x - 1) * HALF, (1 - 2 * y) * HALF));
    onDrag(this.place, this.canvas, { start: move, move, end });
    this.place.addEventListener("pointerup", () => this.handle.focus());
    this.handle.addEventListener("keydown", (event) => this.#onKey(event));
    this.look = watch(node, panel.host, () => valuesOf(node, INPUTS), (values) => this.#draw(values));
  }

  #slider(name, label) {
    return make("input", {
      type: "range",
      min: 0,
      max: 2,
      step: 0.05,
      "aria-label": label,
      oninput: (event) => this.#set({ [name]: Number(event.target.value) }),
      onchange: () => editDone(this.#app),
    });
  }

  /** Change inputs; a named set-up is turned into its nearest custom one first, so that its lamps can be moved. */
  #set(changes) {
    const values = valuesOf(this.#node, INPUTS);
    if (values.prompt?.trim()) return;
    const from = values.preset === "custom" ? {} : asCustom(setupOf(values));
    setValues(this.#node, { ...from, ...changes });
    this.look();
  }

  #take() {
    setValues(this.#node, { prompt: "" });
    this.look();
    editDone(this.#app);
  }

  #onKey(event) {
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    const by = event.shiftKey ? 1 : 5;
    const { azimuth, elevation } = { ...valuesOf(this.#node, INPUTS), ...this.#lamp() };
    const turned = azimuth + by * way[0];
    this.#set({
      azimuth: turned > 180 ? turned - 360 : turned < -180 ? turned + 360 : turned,
      elevation: Math.max(-90, Math.min(90, elevation + by * way[1])),
    });
    editDone(this.#app);
  }

  #lamp() {
    const setup = setupOf(valuesOf(this.#node, INPUTS));
    return setup ? { azimuth: setup.lamps[0].azimuth, elevation: setup.lamps[0].elevation } : {};
  }

  #draw(values) {
    const linked = INPUTS.filter((name) => isLinked(this.#node, name));
    const setup = linked.length ? null : setupOf(values);
    const light = setup && coefficientsOf(setup, values.strength);
    this.back.hidden = !values.prompt?.trim();
    this.place.classList.toggle("unknown", !light);
    this.handle.hidden = !setup;
    for (const [name] of AMOUNTS) this.sliders[name].disabled = !setup;
    this.note.textContent = this.#say(values, linked, setup, light);
    if (!setup) return;
    const shown = { key: setup.lamps[0].strength, fill: setup.lamps[1]?.strength ?? 0, ambient: setup.ambient };
    for (const [name] of AMOUNTS) {
      this.sliders[name].max = Math.max(2, shown[name]);
      this.sliders[name].value = shown[name];
    }
    this.#placeHandle(setup.lamps[0]);
    if (light) paint(this.canvas, light);
  }

  #say(values, linked, setup, light) {
    if (linked.length) return `${linked.join(", ")} ${linked.length > 1 ? "come" : "comes"} from a link.`;
    if (values.prompt?.trim()) return "The prompt sets this light; the node shows it when it has run.";
    if (!light) return `'${setup?.lamps[0].colour ?? values.preset}' is no colour; try #ffb46b or 3200K.`;
    const { azimuth, elevation } = setup.lamps[0];
    return `${values.preset}: ${azimuth}° around, ${elevation}° up`;
  }

  #placeHandle({ azimuth, elevation }) {
    const [x, y] = placeOf(azimuth, elevation);
    this.handle.style.left = `${50 + (50 * x) / HALF}%`;
    this.handle.style.top = `${50 - (50 * y) / HALF}%`;
    const side = Math.abs(azimuth) > 90 ? "from behind" : "from the front";
    this.handle.setAttribute("aria-valuenow", azimuth);
    this.handle.setAttribute("aria-valuetext", `${azimuth} degrees around, ${elevation} degrees up, ${side}`);
  }
}

/** Paint a white matte sphere under a light. */
function paint(canvas, light) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(PIXELS, PIXELS);
  for (let row = 0; row < PIXELS; row++) {
    for (let column = 0; column < PIXELS; column++) {
      const [x, y] = [((column + 0.5) / PIXELS) * 2 - 1, 1 - ((row + 0.5) / PIXELS) * 2].map((value) => value * HALF);
      const distance = Math.hypot(x, y);
      const cover = Math.min(1, Math.max(0, ((1 - distance) * PIXELS) / (2 * HALF) + 0.5));
      if (!cover) continue; // clear: the ring around the sphere is the node's own colour
      const [flatX, flatY] = [x / Math.max(1, distance), y / Math.max(1, distance)];
      const seen = shading([flatX, flatY, Math.sqrt(Math.max(0, 1 - flatX ** 2 - flatY ** 2))], light);
      const rgb = seen.map((value) => 255 * srgbFromLinear(ALBEDO * value));
      picture.data.set([...rgb, 255 * cover], 4 * (row * PIXELS + column));
    }
  }
  context.putImageData(picture, 0, 0);
  canvas.setAttribute("aria-label", "A white sphere under this light");
}
