// Runs a function on what is on the page now and on everything htmx brings later.

/** Call `prepare(root)` at start and after each swap with the new part of the page. */
export function onContent(prepare) {
  const start = () => prepare(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start, { once: true });
  else start();
  document.addEventListener("htmx:afterSettle", (event) => prepare(event.detail.elt ?? document));
}

/** The root itself, if it matches, and all matches inside it. */
export function within(root, selector) {
  const found = [...root.querySelectorAll(selector)];
  if (root instanceof Element && root.matches(selector)) found.unshift(root);
  return found;
}
