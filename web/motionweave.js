// MotionWeave on the canvas. Everything shown here edits or explains ordinary widgets; nothing is stored elsewhere.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { addCameraPreview } from "./camera/preview.js";
import { addCurveEditor } from "./curve/editor.js";
import { addSphere } from "./light/sphere.js";
import { addPersonChooser } from "./people/chooser.js";
import { addPlanTimeline } from "./plan/timeline.js";
import { addFilmstrip, listen } from "./weave/filmstrip.js";

const PANELS = {
  MotionWeaveCameraPath: addCameraPreview,
  MotionWeaveChoosePerson: addPersonChooser,
  MotionWeaveLight: addSphere,
  MotionWeavePlanChunks: addPlanTimeline,
  MotionWeaveTimeline: addCurveEditor,
  MotionWeaveWeave: addFilmstrip,
};

app.registerExtension({
  name: "motionweave.canvas",
  setup() {
    listen(api);
  },
  nodeCreated(node) {
    PANELS[node.comfyClass]?.(node, { app, api });
  },
});
