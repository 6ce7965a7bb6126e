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
    const failed = Object.assign(document.createElement("span"), {
      textContent: "It could not be loaded; a page that is opened as a file may not load it.",
    });
    let live;
    let loading = false;

    async function load() {
      const { width, height } = picture.getBoundingClientRect();
      const host = Object.assign(document.createElement("div"), { className: "live" });
      host.style.maxWidth = `${width}px`;
      const { default: draw } = await import(new URL(`${bar.dataset.live}.js`, modules));
      draw(host, { width, height });
      picture.after(host);
      return host;
    }

    // A double click is one wish, and so is a second press while the modules come.
    button.addEventListener("click", async ({ detail }) => {
      if (loading || detail > 1) return;
      loading = true;
      try {
        live ??= await load();
        failed.remove();
      } catch (problem) {
        bar.append(failed);
        throw problem;
      } finally {
        loading = false;
      }
      picture.hidden = !picture.hidden;
      live.hidden = !picture.hidden;
      button.textContent = picture.hidden ? "Printed figure" : "Try it";
    });
  });
})();
