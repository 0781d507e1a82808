// Menus by keyboard: arrows, Home and End walk through the visible items; a box with data-menu-filter hides the others.

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu");
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  if (event.target.matches("input") && !event.key.startsWith("Arrow")) return;
  const items = [...menu.querySelectorAll("a[href], button")].filter((item) => item.checkVisibility());
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 }[event.key];
  event.preventDefault();
  items.at(to % items.length)?.focus();
});

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-menu-filter]")) return;
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of event.target.closest(".menu").querySelectorAll(".menu__list .menu__item")) {
    const name = item.textContent.toLowerCase();
    item.hidden = !words.every((word) => name.includes(word));
  }
});

// Whoever opens a menu by keyboard stands in it: in its filter, else on what is chosen.
document.addEventListener(
  "toggle",
  (event) => {
    if (!event.target.matches?.(".menu[popover]") || event.newState !== "open") return;
    const first = event.target.querySelector("[data-menu-filter]") ?? event.target.querySelector("[aria-current=true]");
    (first ?? event.target.querySelector("a, button"))?.focus();
  },
  true,
);
