"""A walk through a page with the Tab key alone: what it does not reach, and what shows no focus."""

from typing import Any

WALK_AT_MOST = 400

# Everything a mouse could use and that is on the screen; of radio buttons, one a group. Each keeps
# how it looks while it has no focus, together with what may show the focus for it: label, parent.
PREPARE = """() => {
  const wanted = "a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, " +
    "[tabindex]:not([tabindex^='-']), [contenteditable=true], audio[controls], video[controls]";
  const shown = (one) => one.checkVisibility({visibilityProperty: true})
    && !one.disabled && !one.closest("[inert]");
  const groups = new Set();
  const isFirst = (one) => {
    if (one.type !== "radio") return true;
    const group = `${one.form?.id} ${one.name}`;
    const checked = `input[type=radio][name="${CSS.escape(one.name)}"]:checked`;
    const chosen = document.querySelector(checked);
    if (groups.has(group) || (chosen && chosen !== one && chosen.form === one.form)) return false;
    groups.add(group);
    return true;
  };
  const look = (one) => [one, one.parentElement, ...(one.labels ?? [])].map((part) => {
    const style = getComputedStyle(part);
    return [style.outline, style.boxShadow, style.border, style.backgroundColor, style.color,
      style.textDecoration, style.clipPath, style.position, style.left, style.top].join();
  }).join("|");
  const all = [...document.querySelectorAll(wanted)].filter((one) => shown(one) && isFirst(one));
  const walk = window.walk = {left: new Set(all), unseen: [], count: all.length, steps: 0};
  document.activeElement?.blur();
  const before = new Map(all.map((one) => [one, look(one)]));
  document.addEventListener("focusin", ({target}) => {
    walk.steps += 1;
    if (!walk.left.delete(target)) return;
    if (before.get(target) === look(target)) walk.unseen.push(target.outerHTML.slice(0, 200));
  });
  scrollTo(0, 0);
  return all.length;
}"""
REPORT = """() => ({
  left: [...walk.left].filter((one) => one.isConnected).map((one) => one.outerHTML.slice(0, 200)),
  unseen: walk.unseen,
})"""


def walk(page: Any) -> list[str]:
    """Press Tab until the page has been gone through; what is wrong, in words."""
    count = page.evaluate(PREPARE)
    assert 0 < count < WALK_AT_MOST, f"{page.url} has {count} things to press"
    # Some more than there are: widgets of the browser's own (dates, videos) take several.
    for _ in range(count + 10):
        page.keyboard.press("Tab")
    found = page.evaluate(REPORT)
    return [f"{page.url}: Tab does not reach {one}" for one in found["left"]] + [
        f"{page.url}: nothing shows the focus on {one}" for one in found["unseen"]
    ]
