// All components of a page: <script type="module" src="index.js"></script>

export { Player } from "./pf-player.js";
export { Plot } from "./pf-plot.js";
export { Presets } from "./pf-presets.js";
export { Spectrogram } from "./pf-spectrogram.js";
