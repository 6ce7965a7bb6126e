// What a keyboard, a screen reader and paper need, where the theme and the extensions fall short.
(() => {
  // What is wider than the screen scrolls by itself; the keyboard can reach it only if it can take
  // the focus. The theme sees to that when the page loads, but not for what is opened later, nor
  // for formulas.
  const kinds =
    "pre, .cell_output > .output, .pst-scrollable-table-container, div.math, span.math";
  const reach = (element) => {
    if (element.scrollWidth > element.clientWidth + 2) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  };
  const watcher = new ResizeObserver((entries) => entries.forEach(({ target }) => reach(target)));
  // What is far below is not laid out yet, and its size is not watched; it is asked a few at a time.
  const later = (work) => (window.requestIdleCallback ?? setTimeout)(work, { timeout: 500 });
  const reachAll = (elements) => {
    elements.splice(0, 10).forEach(reach);
    if (elements.length) later(() => reachAll(elements));
  };

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
    const wide = [...document.querySelectorAll(kinds)];
    wide.forEach((element) => watcher.observe(element));
    const ask = () => later(() => reachAll([...wide]));
    addEventListener("resize", ask);
    ask();
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
