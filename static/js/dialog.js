// Native dialogs by attribute: data-dialog-open="id" opens, data-dialog-close closes; focus goes back to the opener.
// What a dialog says is as old as its page, unless data-words-of names an element that is kept fresh.

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) {
    open(opener);
    return;
  }
  const dialog = event.target.closest("dialog");
  if (dialog && (event.target.closest("[data-dialog-close]") || isOutside(dialog, event))) dialog.close();
});

function open(opener) {
  const dialog = document.getElementById(opener.dataset.dialogOpen);
  if (!dialog || dialog.open) return;
  const words = document.getElementById(dialog.dataset.wordsOf)?.dataset.words;
  if (words) document.getElementById(dialog.getAttribute("aria-describedby")).textContent = words;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("luthier:opened", { bubbles: true }));
  dialog.addEventListener(
    "close",
    () => {
      // The opener may have been redrawn meanwhile: its successor carries the same id.
      const target = opener.isConnected ? opener : document.getElementById(opener.id);
      target?.focus();
    },
    { once: true },
  );
}

function isOutside(dialog, event) {
  if (event.target !== dialog || event.detail === 0) return false;
  const box = dialog.getBoundingClientRect();
  return (
    event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom
  );
}
