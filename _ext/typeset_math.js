// Typeset formulas with MathJax: one JSON per line in, one per line out; {} asks for the style sheet.
const [folder, fontURL] = process.argv.slice(2);
const size = { em: 16, ex: 8, containerWidth: 1280 };

// What MathJax says while it loads belongs to nobody.
console.log = () => {};

require(`${folder}/node-main.js`)
  .init({
    loader: {
      paths: { mathjax: folder },
      load: ["adaptors/liteDOM", "input/tex", "output/chtml", "a11y/assistive-mml"],
    },
    chtml: { fontURL, adaptiveCSS: true },
  })
  .then(async (MathJax) => {
    const { adaptor } = MathJax.startup;
    for await (const line of require("readline").createInterface({ input: process.stdin })) {
      const { tex, display } = JSON.parse(line);
      const answer =
        tex === undefined
          ? adaptor.textContent(MathJax.chtmlStylesheet())
          : adaptor.outerHTML(await MathJax.tex2chtmlPromise(tex, { display, ...size }));
      process.stdout.write(JSON.stringify(answer) + "\n");
    }
  });
