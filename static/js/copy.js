// Copies what a button points at: <button data-copy="#id"> takes that element's text, data-copy-text its own value.

async function toClipboard(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-text]");
  if (!button) return;
  const source = button.dataset.copy && visible(button.dataset.copy);
  const text = button.dataset.copyText ?? source?.textContent ?? "";
  try {
    await toClipboard(text);
    say(button, "Copied");
  } catch {
    say(button, "Not copied: select and copy by hand");
  }
  button.focus();
});

/** Of several matches (one per language) the one that is shown. */
function visible(selector) {
  return [...document.querySelectorAll(selector)].find((element) => element.getClientRects().length > 0);
}

function say(button, words) {
  let status = button.querySelector("[data-copy-said]");
  if (!status) {
    status = document.createElement("span");
    status.dataset.copySaid = "";
    status.className = "copied";
    status.setAttribute("role", "status");
    button.append(status);
  }
  status.textContent = words;
  setTimeout(() => {
    status.textContent = "";
  }, 2500);
}
