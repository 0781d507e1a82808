// Small news at the corner: what a page brought with it, and what an answer's HX-Trigger says ({"toast": "words"}).
// They go by themselves, not while a pointer or the focus is on them or the tab is hidden.

const SHOWN_MS = 8000;
const MOST = 3;
const region = document.getElementById("toasts");
const pattern = document.getElementById("toast-pattern");

/** Show and announce a sentence; it stands as text, whatever it holds. */
export function toast(words) {
  const shown = pattern.content.firstElementChild.cloneNode(true);
  shown.querySelector("p").textContent = words;
  add(shown);
}

function add(shown) {
  while (region.children.length >= MOST) region.firstElementChild.remove();
  region.append(shown);
  shown.addEventListener("keydown", (event) => {
    if (event.key === "Escape") shown.remove();
  });
  leaveLater(shown);
}

function leaveLater(shown) {
  setTimeout(() => {
    if (!shown.isConnected) return;
    if (document.hidden || shown.matches(":hover, :focus-within")) leaveLater(shown);
    else shown.remove();
  }, SHOWN_MS);
}

if (region) {
  region.addEventListener("click", (event) => {
    if (event.target.closest("[data-toast-close]")) event.target.closest(".toast").remove();
  });
  document.body.addEventListener("toast", (event) => toast(event.detail.value));
  // What is in a live region from the start is not read out: it is put in once more.
  const brought = [...region.children];
  region.replaceChildren();
  setTimeout(() => brought.forEach(add), 100);
}
