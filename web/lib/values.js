// Reading and writing a node's ordinary widgets.

export const widgetOf = (node, name) => node.widgets?.find((widget) => widget.name === name);

/** Give the values of widgets by name; one that is fed by a link is `undefined`, as its value is not known here. */
export function valuesOf(node, names) {
  return Object.fromEntries(
    names.map((name) => [name, isLinked(node, name) ? undefined : widgetOf(node, name)?.value]),
  );
}

export function isLinked(node, name) {
  const index = node.inputs?.findIndex((input) => input.name === name) ?? -1;
  return index >= 0 && Boolean(node.isInputConnected?.(index));
}

/** Set widgets as if by hand, within their limits; those fed by a link stay. */
export function setValues(node, values) {
  for (const [name, value] of Object.entries(values)) {
    const widget = widgetOf(node, name);
    if (!widget || isLinked(node, name)) continue;
    const { min = -Infinity, max = Infinity } = widget.options ?? {};
    const next = typeof value === "number" ? Math.min(max, Math.max(min, value)) : value;
    if (widget.value === next) continue;
    widget.value = next;
    widget.callback?.(next, undefined, node);
  }
  node.setDirtyCanvas?.(true, true);
}

/** Tell ComfyUI that an edit is complete, so that undo takes it back as one. */
export function editDone(app) {
  app.extensionManager?.workflow?.activeWorkflow?.changeTracker?.checkState?.();
}

/** Give the node that feeds an input, through reroutes that ComfyUI resolves itself; null where there is none. */
export function feeding(node, name) {
  const index = node.inputs?.findIndex((input) => input.name === name) ?? -1;
  return index < 0 ? null : (node.getInputNode?.(index) ?? null);
}

/** Give what a node told when it last ran; ComfyUI keeps it while the workflow is open. */
export function outputOf(app, node) {
  const inside = node.graph && node.graph.rootGraph && node.graph !== node.graph.rootGraph;
  return app.nodeOutputs?.[inside ? `${node.graph.id}:${node.id}` : String(node.id)];
}

/** Say whether an event's node is this one; inside a subgraph the event names the way to it, such as `5:2`. */
export function isNode(node, executionId) {
  if (executionId === undefined || executionId === null) return false;
  const [own, told] = [String(node.id), String(executionId)];
  const inside = node.graph && node.graph.rootGraph && node.graph !== node.graph.rootGraph;
  return inside ? told.endsWith(`:${own}`) : told === own;
}

/** Write seconds as people say them. */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
