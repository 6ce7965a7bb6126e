// A figure that can be touched: its modules are loaded when its button is pressed, not before.
(() => {
  const modules = new URL("../playground/figures/", document.currentScript.src);

  const yard = document.querySelector("[data-playground]");
  if (yard) {
    import(new URL("../playground.js", modules)).then(({ default: play }) => play(yard)).catch((problem) => {
      yard.textContent = "The playground could not be loaded: a page that is opened as a file may not "
        + "load it. On a web server, such as that of make serve, it works.";
      throw problem;
    });
  }

  document.querySelectorAll("figure [data-live]").forEach((bar) => {
    const picture = bar.closest("figure").querySelector("img");
    const button = bar.querySelector("button");
    let live;

    async function load() {
      const { width, height } = picture.getBoundingClientRect();
      const host = Object.assign(document.createElement("div"), { className: "live" });
      host.style.maxWidth = `${width}px`;
      const { default: draw } = await import(new URL(`${bar.dataset.live}.js`, modules));
      draw(host, { width, height });
      picture.after(host);
      return host;
    }

    button.addEventListener("click", async () => {
      try {
        live ??= await load();
      } catch (problem) {
        bar.append(" It could not be loaded; a page that is opened as a file may not load it.");
        throw problem;
      }
      picture.hidden = !picture.hidden;
      live.hidden = !picture.hidden;
      button.textContent = picture.hidden ? "Show the printed figure" : "Try it";
    });
  });
})();
