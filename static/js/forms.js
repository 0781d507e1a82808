// Small manners of forms: typing a number means "number", counters count, a sent form shows that it works.
import { onContent, within } from "./swaps.js";

document.addEventListener("input", (event) => {
  const auto = event.target.closest("[data-auto]");
  if (auto && event.target.matches("input:not([type=radio])")) {
    const radio = auto.querySelector("input[type=radio][value=number]");
    if (radio && !radio.checked && event.target.value.trim() !== "") {
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
  if (event.target.dataset.count) count(event.target);
});

document.addEventListener("change", (event) => {
  const auto = event.target.closest("[data-auto]");
  if (auto && event.target.matches("input[type=radio][value=number]") && document.activeElement === event.target) {
    auto.querySelector("input:not([type=radio])")?.focus();
  }
});

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || event.defaultPrevented) return;
  if (button.getAttribute("aria-disabled") === "true") {
    event.preventDefault();
    return;
  }
  button.setAttribute("aria-busy", "true");
  // A second press while the first is under way changes nothing.
  if (event.target.dataset.busy === "true") event.preventDefault();
  event.target.dataset.busy = "true";
});

// The back button may bring the page back as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-busy]")) delete form.dataset.busy;
  for (const button of document.querySelectorAll("form [aria-busy=true]")) button.removeAttribute("aria-busy");
});

function count(input) {
  const place = document.getElementById(input.dataset.count);
  if (place) place.textContent = `${[...input.value].length} of ${input.maxLength}`;
}

onContent((root) => within(root, "input[data-count]").forEach(count));
