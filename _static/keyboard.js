// What is wider than the screen scrolls by itself; the keyboard can reach it only if it can take
// the focus. The theme sees to that when the page loads, but not for what is opened later, nor for
// formulas.
(() => {
  const kinds =
    "pre, .cell_output > .output, .pst-scrollable-table-container, div.math > mjx-container, span.math";
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth + 2) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    document.querySelectorAll(kinds).forEach((element) => watcher.observe(element));
  });
})();
