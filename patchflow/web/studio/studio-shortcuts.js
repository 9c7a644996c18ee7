// The keys that work everywhere on the page, as a list that the help shows, and how an event is read as one of them.

export const SHORTCUTS = [
  { keys: ["Space"], what: "flip between target and candidate, or hear the preset again" },
  { keys: ["X"], what: "the same, wherever the focus is" },
  { keys: ["A", "W", "S", "E", "D", "…"], what: "play: the middle row has the white keys, the row above the black ones" },
  { keys: ["←", "→"], what: "octave down and up" },
  { keys: ["C", "V"], what: "softer and harder" },
  { keys: ["M"], what: "start the match, or stop it" },
  { keys: ["R"], what: "record, and stop recording" },
  { keys: ["N", "B"], what: "next and previous candidate" },
  { keys: ["1", "2", "3", "4"], what: "Match, Shape, Explore, Library" },
  { keys: ["↑", "↓"], what: "turn the knob that has the focus; with Shift finer, Enter or a digit to type, Delete resets" },
  { keys: ["Ctrl L"], what: "lock the parameter that has the focus, or unlock it" },
  { keys: ["↑", "↓"], what: "hear the previous and the next preset of the list" },
  { keys: ["Enter", "*", "/"], what: "in the list: load, favourite, search" },
  { keys: ["Ctrl Z"], what: "undo" },
  { keys: ["Ctrl Shift Z"], what: "redo" },
  { keys: ["Ctrl S"], what: "take the preset home" },
  { keys: ["Esc"], what: "silence" },
  { keys: ["?"], what: "these keys" },
];

const PLAIN = {
  x: "flip", m: "start", r: "record", n: "next", b: "previous", 1: "match", 2: "shape", 3: "explore", 4: "library",
  "?": "help", escape: "stop",
};

// Whether the pointer put the focus where it is. `:focus-visible` does not tell: it holds from the first key on.
let pointed = false;
window.addEventListener("pointerdown", () => { pointed = true; }, true);
window.addEventListener("keydown", ({ key }) => { if (key === "Tab" || key.startsWith("Arrow")) pointed = false; }, true);

/** Returns {name, always} of a key event, or null; `always` holds also while somebody types. */
export function shortcutOf(event) {
  if (event.defaultPrevented || event.repeat) return null;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") return isTyping(event) ? null : { name: event.shiftKey ? "redo" : "undo", always: false };
    if (key === "y") return { name: "redo", always: false };
    return key === "s" ? { name: "takeaway", always: true } : null;
  }
  if (event.altKey) return null;
  if (event.key === " ") return pressesSomething(event) ? null : { name: "flip", always: false };
  return PLAIN[key] ? { name: PLAIN[key], always: false } : null;
}

/** Whether an event goes to where text is written or chosen. */
export function isTyping(event) {
  const [target] = event.composedPath();
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target.tagName === "INPUT" && !["range", "checkbox", "radio", "button", "file"].includes(target.type);
}

/** Whether an event happened in an open dialog, which has keys of its own. */
export function inDialog(event) {
  return event.composedPath().some((node) => node.tagName === "DIALOG");
}

/** Whether the space bar means something where it was pressed: a control that the keyboard went to, or an open dialog. */
function pressesSomething(event) {
  const [target] = event.composedPath();
  const control = target.closest?.("button, a, input, summary, [role=button], [role=slider], [role=tab], [role=application]");
  return Boolean(control?.matches(":focus-visible") && !pointed) || inDialog(event);
}
