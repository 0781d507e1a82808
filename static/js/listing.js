// Tables: what is chosen stands in the address, and a refresh asks for what the address says.
import { onContent, within } from "./swaps.js";

const BOXES = "[data-list] input[type=checkbox][name=chosen]";
const listed = (address) => address.searchParams.getAll("chosen").flatMap((ids) => ids.split(",")).filter(Boolean);
const short = (address) => (address.pathname + address.search).replaceAll("%2C", ",");

let chosen = new Set(listed(new URL(location.href)));
let last = "";

/** The address names what is chosen; it tells once how an action ended. */
function keepAddress() {
  const address = new URL(location.href);
  for (const name of ["chosen", "told"]) address.searchParams.delete(name);
  if (chosen.size) address.searchParams.set("chosen", [...chosen].join(","));
  if (short(address) !== location.pathname + location.search) history.replaceState(history.state, "", short(address));
}

function draw() {
  const bar = document.querySelector("[data-chosen]");
  if (!bar) return;
  keepAddress();
  const boxes = [...document.querySelectorAll(BOXES)];
  for (const box of boxes) {
    box.checked = chosen.has(box.value);
    if (box.checked) box.closest("tr").setAttribute("aria-selected", "true");
    else box.closest("tr").removeAttribute("aria-selected");
  }
  const here = boxes.filter((box) => box.checked).length;
  const all = document.querySelector("[data-choose-all]");
  if (all) {
    all.checked = boxes.length > 0 && here === boxes.length;
    all.indeterminate = here > 0 && here < boxes.length;
  }
  const elsewhere = chosen.size - here;
  bar.toggleAttribute("data-elsewhere", elsewhere > 0);
  say(bar.querySelector("[data-chosen-count]"), `${chosen.size} chosen${elsewhere ? `, ${elsewhere} not shown here` : ""}`);
}

/** Words that are announced when they change are not written again when they do not. */
function say(element, words) {
  if (element && element.textContent !== words) element.textContent = words;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-choose-none]")) {
    event.preventDefault();
    chosen.clear();
    draw();
  }
  const box = event.target.closest(`${BOXES}, [data-choose-all]`);
  if (!box) return;
  const boxes = [...document.querySelectorAll(BOXES)];
  const from = boxes.findIndex((one) => one.value === last);
  const to = boxes.indexOf(box);
  let touched = to < 0 ? boxes : [box];
  if (event.shiftKey && to >= 0 && from >= 0) touched = boxes.slice(Math.min(from, to), Math.max(from, to) + 1);
  for (const one of touched) {
    if (box.checked) chosen.add(one.value);
    else chosen.delete(one.value);
  }
  last = box.value;
  draw();
});

document.addEventListener("htmx:configRequest", (event) => {
  const { elt, formData } = event.detail;
  if (elt.matches("[data-list]")) {
    // A page that answered a form stands at the form's address.
    if (new URL(event.detail.path, location.href).pathname === location.pathname)
      event.detail.path = location.pathname + location.search;
    return;
  }
  if (!elt.closest("[data-list], [data-tools]")) return;
  const address = new URL(event.detail.path, location.href);
  const filled = [...formData].filter(([, value]) => value !== "");
  for (const [name] of filled) address.searchParams.set(name, filled.filter(([key]) => key === name).map(([, value]) => value).join(","));
  address.searchParams.delete("chosen");
  if (chosen.size) address.searchParams.set("chosen", [...chosen].join(","));
  for (const name of new Set(formData.keys())) formData.delete(name);
  event.detail.path = short(address);
  // Leaving a box that was answered for already asks for nothing new.
  if (event.detail.path === location.pathname + location.search) event.preventDefault();
});

onContent((root) => {
  draw();
  say(document.querySelector("[data-said]"), document.querySelector("[data-says]")?.textContent.trim() ?? "");
  for (const dialog of within(root, "dialog[data-dialog-now]")) {
    dialog.removeAttribute("data-dialog-now");
    dialog.showModal();
  }
});
