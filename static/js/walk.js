// Rows one after the other by j and k: the link that each begins with is focused, and enter follows it.
import { isNoCommand } from "./keys.js";

const LINKS = "[data-walk] tr > th a[href]";

document.addEventListener("keydown", (event) => {
  if (event.key !== "j" && event.key !== "k") return;
  if (isNoCommand(event) || document.querySelector(`[data-key="${event.key}"]`)) return;
  const links = [...document.querySelectorAll(LINKS)];
  if (!links.length) return;
  event.preventDefault();
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = event.key === "j" ? Math.min(at + 1, links.length - 1) : Math.max(at - 1, 0);
  links[next].focus();
  links[next].closest("tr").scrollIntoView({ block: "nearest" });
});
