// What a keyboard, a screen reader and paper need, where the theme and the extensions fall short.
(() => {
  // What is wider than the screen scrolls by itself; the keyboard can reach it only if it can take
  // the focus. The theme sees to that when the page loads, but not for what is opened later, nor
  // for formulas.
  const kinds =
    "pre, .cell_output > .output, .pst-scrollable-table-container, div.math > mjx-container, span.math";
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth + 2) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });

  // The theme takes the focus from these buttons after a click, so that their hints go away. After
  // a key it stays.
  const buttons = ".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle";
  const keepFocus = (button) => {
    button.blur = () => {
      if (!button.matches(":focus-visible")) HTMLElement.prototype.blur.call(button);
    };
  };

  addEventListener("load", () => {
    document.querySelectorAll(buttons).forEach(keepFocus);
    document.querySelectorAll(".copybtn").forEach((button) => (button.ariaLabel = "Copy this code"));
    document.querySelector(".btn-download-pdf-button")?.addEventListener("click", () => print());
    document.querySelector(".btn-fullscreen-button")?.addEventListener("click", toggleFullScreen);
    document.querySelectorAll(kinds).forEach((element) => watcher.observe(element));
  });

  // Paper is light and cannot be opened: answers and solutions are, and closed again afterwards.
  const { dataset } = document.documentElement;
  let opened = [];
  let theme;
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("article details:not([open], .hide)")];
    opened.forEach((box) => (box.open = true));
    [theme, dataset.theme] = [dataset.theme, "light"];
  });
  addEventListener("afterprint", () => {
    opened.forEach((box) => (box.open = false));
    dataset.theme = theme;
  });
})();
