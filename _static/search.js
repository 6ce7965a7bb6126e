// Search results lead to the sections that hold the words, and the words are marked there.
//
// Sphinx finds pages. Here each page that it found is taken apart: the sections, and the entries of
// a list of terms, that hold most of the words are named below it, with a piece of their text.
(() => {
  const PLACES = "section[id], dt[id]";
  const SHOWN = 3;
  const EXCERPT = 220;

  // A function from a text to the place of each word in it, or -1; words match from their beginning.
  function finder(query) {
    const stemmer = new Stemmer();
    const patterns = splitQuery(query.toLowerCase())
      .filter((word) => !stopwords.includes(word))
      .map((word) => new RegExp(`(?<![\\p{L}\\p{N}])(?:${word}|${stemmer.stemWord(word)})`, "iu"));
    return (text) => patterns.map((pattern) => text.search(pattern));
  }

  function parse(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".headerlink, script, style, .onlyprint, div.math").forEach((e) => e.remove());
    for (const formula of page.querySelectorAll("span.math")) {
      const source = formula.textContent.replace(/^\\\(|\\\)$/g, "");
      formula.textContent = /[\\{}^_]/.test(source) ? "…" : source;
    }
    return page;
  }

  const plain = (element) => element?.textContent.replace(/\s+/g, " ").trim() ?? "";

  // The title of a place and the text that belongs to it and to no place inside it, prose first.
  function read(place) {
    if (place.matches("dt")) return [plain(place), plain(place.nextElementSibling)];
    const own = place.cloneNode(true);
    own.querySelectorAll(`${PLACES}, dt[id] + dd`).forEach((inner) => inner.remove());
    const heading = own.querySelector("h1, h2, h3, h4");
    const title = plain(heading);
    heading?.remove();
    own.append(...own.querySelectorAll("div.highlight"));
    return [title, plain(own)];
  }

  function excerpt(text, at, length = EXCERPT) {
    const start = at < 80 ? 0 : text.indexOf(" ", at - 80) + 1;
    const end = text.length < start + length ? text.length : text.lastIndexOf(" ", start + length);
    const paragraph = document.createElement("p");
    paragraph.className = "context";
    paragraph.textContent =
      (start ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
    return paragraph;
  }

  // A term, in full, and the chapters that it names.
  function entry(place, address) {
    const whole = document.createElement("div");
    whole.append(excerpt(read(place).join(": "), 0, Infinity));
    for (const link of place.nextElementSibling?.querySelectorAll('a[href*="chapters/"]') ?? []) {
      link.href = new URL(link.getAttribute("href"), new URL(address, location));
      whole.append(link, " ");
    }
    return whole;
  }

  function summary(html, query, find, anchor) {
    const page = parse(html);
    const address = `${html.match(/pagename = '([^']+)'/)?.[1]}.html`;
    if (anchor) return entry(page.getElementById(anchor.slice(1)), address);
    const found = [...page.querySelectorAll(PLACES)].map((place, order) => {
      const [title, text] = read(place);
      const [inTitle, inText] = [find(title), find(text)];
      const held = inText.filter((at, word) => at >= 0 || inTitle[word] >= 0).length;
      const phrase = text.toLowerCase().indexOf(query.toLowerCase());
      const at = phrase >= 0 ? phrase : Math.max(0, ...inText);
      const named = inTitle.filter((at) => at >= 0).length;
      return { id: place.id, title, text, order, held, named, at };
    });
    const most = Math.max(1, ...found.map(({ held }) => held));
    const list = document.createElement("ul");
    list.className = "search-sections";
    found
      .filter(({ held }) => held === most)
      .sort((a, b) => b.named - a.named || a.order - b.order)
      .slice(0, SHOWN)
      .forEach(({ id, title, text, at }) => {
        const item = list.appendChild(document.createElement("li"));
        const link = item.appendChild(document.createElement("a"));
        link.href = `${address}#${id}`;
        link.textContent = title;
        item.append(excerpt(text, at));
      });
    return list;
  }

  function searchPage() {
    const query = new URLSearchParams(location.search).get("q") ?? "";
    const find = finder(query);
    Search.makeSearchSummary = (html, stems, anchor) => summary(html, query, find, anchor);
    // Sphinx marks these words on the next page and then forgets them; so each click says them again.
    document.getElementById("search-results").addEventListener("click", () => {
      const words = splitQuery(query.toLowerCase()).filter((word) => !stopwords.includes(word));
      localStorage.setItem("sphinx_highlight_terms", words.join(" "));
    });
  }

  addEventListener("DOMContentLoaded", () => {
    if (typeof Search !== "undefined") searchPage();
  });
  addEventListener("load", () => {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const within = place?.matches("dt") ? place.nextElementSibling : place;
    const marks = [...(within?.querySelectorAll(".highlighted") ?? [])];
    marks.find((mark) => mark.checkVisibility())?.scrollIntoView({ block: "center" });
  });
})();
