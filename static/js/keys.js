// Single keys as commands: an element with data-key="g d" is followed, clicked or focused by g then d.
// Never while somebody types, and never where the person has turned single keys off. Esc leaves a field that a key led to.
// In a form with data-send, Ctrl Enter or ⌘ Enter sends it.

const NEXT_KEY_MS = 1200;
const FIELDS = "input:not([type=radio], [type=checkbox], [type=button], [type=submit]), textarea, select, [contenteditable]";
let first = "";
let timer = 0;

/** True of a key that is no command: it is typed, it belongs to a dialog, or single keys are off. */
export function isNoCommand(event) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return true;
  if (document.body.dataset.singleKeys !== "on") return true;
  return Boolean(event.target.closest?.(FIELDS) || document.querySelector("dialog:modal"));
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.repeat || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest?.("form[data-send]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.(FIELDS);
  if (event.key === "Escape" && field?.dataset.key && !event.defaultPrevented) field.blur();
  if (isNoCommand(event)) return;
  // The space bar presses what has the focus.
  if (event.key === " " && event.target.closest?.("a, button, input, summary")) return;
  const key = event.key === " " ? "space" : event.key;
  const asked = first ? `${first} ${key}` : key;
  clear();
  const target = find(asked);
  if (target) {
    event.preventDefault();
    act(target);
  } else if (document.querySelector(`[data-key^="${CSS.escape(event.key)} "]`)) {
    first = event.key;
    timer = setTimeout(clear, NEXT_KEY_MS);
  }
});

function clear() {
  clearTimeout(timer);
  first = "";
}

function find(keys) {
  return [...document.querySelectorAll(`[data-key="${CSS.escape(keys)}"]`)][0];
}

function act(target) {
  if (target.matches(FIELDS)) {
    target.focus();
    target.select?.();
  } else {
    target.click();
  }
}
