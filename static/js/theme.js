// Light or dark. The server knows what a signed-in person chose and writes it into the page; before sign-in the
// browser's own memory counts. Loaded without defer in <head>, so that the first paint is already right.
{
  const root = document.documentElement;
  const memory = {
    get: () => {
      try {
        return localStorage.getItem("theme");
      } catch {
        return null;
      }
    },
    set: (theme) => {
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // A browser that keeps nothing still switches for this page.
      }
    },
  };
  if (root.dataset.theme) memory.set(root.dataset.theme);
  else root.dataset.theme = memory.get() ?? "system";

  const isDark = () =>
    root.dataset.theme === "dark" ||
    (root.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-switch]");
    if (!button) return;
    const theme = isDark() ? "light" : "dark";
    root.dataset.theme = theme;
    memory.set(theme);
    const url = document.body.dataset.themeUrl;
    if (url) window.htmx.ajax("POST", url, { source: document.body, values: { theme }, swap: "none" });
  });
}
