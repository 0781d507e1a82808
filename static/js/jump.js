// The palette: ⌘K or Ctrl K opens it; it asks the server as one types; arrows choose, Enter goes, Esc closes.
import { onContent } from "./swaps.js";

const palette = document.getElementById("palette");
const box = palette?.querySelector("input");

if (palette) {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.altKey || event.shiftKey || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    if (palette.open) palette.close();
    else open();
  });
  palette.addEventListener("keydown", onKey);
  palette.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option, { scroll: false });
  });
  palette.addEventListener("click", (event) => {
    if (event.target.closest("[role=option]:not(a)")) palette.close();
  });
  document.addEventListener("luthier:opened", (event) => {
    if (event.target === palette) refresh();
  });
  onContent(() => {
    if (palette.open && !chosen()) choose(options()[0]);
  });
}

function open() {
  // One dialog at a time: what is open below would keep the keys.
  if (document.querySelector("dialog:modal")) return;
  document.querySelector("[data-dialog-open=palette]").click();
}

function refresh() {
  box.value = "";
  window.htmx.trigger(box, "asked");
}

const options = () => [...palette.querySelectorAll("[role=option]:not([aria-disabled])")];
const chosen = () => palette.querySelector("[aria-selected=true]");

function choose(option, { scroll = true } = {}) {
  chosen()?.setAttribute("aria-selected", "false");
  if (!option) {
    box.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  box.setAttribute("aria-activedescendant", option.id);
  if (scroll) option.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  if (event.isComposing) return;
  const all = options();
  const at = all.indexOf(chosen());
  const moves = {
    ArrowDown: (at + 1) % all.length,
    ArrowUp: (at - 1 + all.length) % all.length,
    PageDown: Math.min(at + 6, all.length - 1),
    PageUp: Math.max(at - 6, 0),
  };
  if (event.key in moves && all.length) {
    event.preventDefault();
    choose(all[moves[event.key]]);
  } else if (event.key === "Enter" && event.target === box) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) chosen()?.dispatchEvent(new MouseEvent("click", { ctrlKey: event.ctrlKey, metaKey: event.metaKey, bubbles: true, cancelable: true }));
    else chosen()?.click();
  }
}

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[data-mod]")) key.textContent = `⌘${key.dataset.mod}`;
}
