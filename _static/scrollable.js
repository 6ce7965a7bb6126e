// A formula wider than the screen scrolls; the keyboard can reach it only if it can take the focus.
(() => {
  const reach = () => {
    for (const formula of document.querySelectorAll("div.math > mjx-container, span.math")) {
      if (formula.scrollWidth > formula.clientWidth + 2) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
  };
  addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(reach));
  addEventListener("resize", reach);
})();
