// A part of a node that the pack draws. It is never a value itself: it shows, and edits, the node's ordinary widgets,
// so workflows hold nothing of it and headless runs need none of it.

const STYLE = new URL("../motionweave.css", import.meta.url);
const LOOK_EVERY_MS = 200;

/** Make an element; `attributes` may hold `text` and event handlers such as `onclick`. */
export function make(tag, attributes = {}, ...children) {
  const space = SVG_TAGS.has(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const SVG_TAGS = new Set(["svg", "g", "rect", "path", "circle", "line", "text", "polyline", "image"]);

let style;

/**
 * Read the panels' style, once for all of them.
 *
 * A link in each would be read again whenever ComfyUI moves the panel, as it does between its two ways of drawing; bare
 * until then, the panel would be far too high, and the node keep that height.
 */
function readStyle() {
  style ??= fetch(STYLE)
    .then((reply) => reply.text())
    .then((text) => new CSSStyleSheet().replace(text));
  return style;
}

/**
 * Put a panel at the end of a node.
 *
 * What is inside has a shadow root, so that no style of the page or of another pack reaches it; ComfyUI's colours do,
 * as custom properties are inherited.
 *
 * Returns `{root, setHeight, resize}`: where to draw, and how to change how much room it asks for (in pixels).
 */
export function addPanel(node, name, label, height) {
  const host = make("div", { role: "group", "aria-label": label, "data-motionweave": name });
  const content = make("div", { class: "panel" });
  const shadow = host.attachShadow({ mode: "open" });
  readStyle().then((sheet) => {
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(content);
  });
  // A key that means something here must not also move, copy or delete the node.
  for (const kind of ["keydown", "keyup", "copy", "paste", "cut"])
    host.addEventListener(kind, (e) => e.stopPropagation());
  let asked = height;
  const widget = node.addDOMWidget(name, "motionweave_panel", host, {
    serialize: false, // not in the prompt
    hideOnZoom: false,
    getValue: () => null,
    setValue: () => {},
    getMinHeight: () => asked,
    getMaxHeight: () => asked,
  });
  widget.serialize = false; // not in the workflow
  const setHeight = (pixels) => {
    // The classic rendering asks the widget, the Vue rendering the element's style.
    asked = pixels;
    host.style.cssText = `min-height:${pixels}px;width:100%;box-sizing:border-box;overflow:hidden`;
    const wanted = node.computeSize()[1];
    if (node.size[1] < wanted) node.setSize([node.size[0], wanted]);
    node.setDirtyCanvas?.(true, true);
  };
  host.style.cssText = `min-height:${height}px;width:100%;box-sizing:border-box;overflow:hidden`;
  return { host, root: content, setHeight };
}

/**
 * Draw what is read, now and again whenever it has changed.
 *
 * ComfyUI tells of some changes only (not of undo, loading, or of a change further up), so values are looked at a few
 * times a second while the panel can be seen. Returns a function that looks at once.
 */
export function watch(node, host, read, draw) {
  let last;
  const look = () => {
    const now = read();
    const text = JSON.stringify(now);
    if (text === last) return;
    last = text;
    draw(now);
  };
  const timer = setInterval(() => {
    if (host.isConnected && !document.hidden) look();
  }, LOOK_EVERY_MS);
  const removed = node.onRemoved;
  node.onRemoved = function (...given) {
    clearInterval(timer);
    return removed?.apply(this, given);
  };
  look();
  return look;
}

/** Follow a pointer from its press on an element until it is let go; `move` gets places within `frame`, 0 to 1. */
export function onDrag(element, frame, { start, move, end }) {
  const place = (event) => {
    // In shares of the frame: the canvas may be zoomed, which scales what the browser reports.
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    element.setPointerCapture(event.pointerId);
    element.focus?.();
    start?.(place(event));
    const moved = (next) => move(place(next), next);
    const done = () => {
      element.removeEventListener("pointermove", moved);
      element.removeEventListener("pointerup", done);
      element.removeEventListener("pointercancel", done);
      end?.();
    };
    element.addEventListener("pointermove", moved);
    element.addEventListener("pointerup", done);
    element.addEventListener("pointercancel", done);
  });
}

/** Make a slider along the moments of what a panel shows; `choose` gets the number it is moved to. */
export function makeTimeSlider(label, choose) {
  return make("input", {
    type: "range",
    min: 0,
    max: 0,
    step: 1,
    "aria-label": label,
    oninput: (event) => choose(Number(event.target.value)),
  });
}
