/* Adds search, details, zoom and a map to diagrams, and selects the same layer in the table and in
   all diagrams. Diagrams are complete without this script. */
(() => {
  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  /* ------------------------------------------------------------------ boxes of one layer */

  /* Boxes by the anchor of the row that they lead to, which is the id of the row. */
  const boxesOf = new Map();
  const anchorOf = (box) => box.getAttribute("href")?.slice(1) ?? box.id;
  function register(box) {
    const anchor = anchorOf(box);
    if (!boxesOf.has(anchor)) boxesOf.set(anchor, []);
    boxesOf.get(anchor).push(box);
  }

  let selected = [];
  function mark(anchor) {
    for (const item of selected) item.classList.remove("selected");
    const row = document.getElementById(anchor);
    selected = [...(boxesOf.get(anchor) ?? []), ...(row?.matches("tr") ? [row] : [])];
    for (const item of selected) item.classList.add("selected");
  }

  function reveal(item) {
    for (let fold = item.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  }

  /* Browsers throttle an address that changes with every key, so it is written at the first key and
     after the last one. */
  const REST_MS = 300;
  let timer = 0, lastRequest = -REST_MS;
  function writeAddress(id) {
    const rested = performance.now() - lastRequest >= REST_MS;
    lastRequest = performance.now();
    clearTimeout(timer);
    const write = () => history.replaceState(null, "", "#" + id);
    if (rested) write();
    else timer = setTimeout(write, REST_MS);
  }

  const views = new Map();

  /* ------------------------------------------------------------------ one diagram */

  function equip(figure) {
    const canvas = figure.querySelector(".canvas");
    const stage = canvas.querySelector(".stage");
    const boxes = [...stage.querySelectorAll("a[id]")];
    const arrows = [...stage.querySelectorAll("path[data-e]")];
    const folds = [...stage.querySelectorAll(".fold")];
    const incoming = boxes.map(() => []), outgoing = boxes.map(() => []);
    for (const arrow of arrows) {
      const [source, target] = arrow.dataset.e.split(" ").map(Number);
      outgoing[source].push({ arrow, box: boxes[target] });
      incoming[target].push({ arrow, box: boxes[source] });
    }
    boxes.forEach(register);
    const indexOf = new Map(boxes.map((box, index) => [box, index]));
    const tooltipLines = (box) => box.querySelector("title").textContent.split("\n");
    const body = element("div", { className: "body" });
    canvas.replaceWith(body);
    body.append(canvas);

    /* ---------------------------------------------------------------- size and place */

    let scale = 1;
    function zoom(wanted, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
      const next = Math.min(4, Math.max(0.02, wanted));
      const left = canvas.scrollLeft + x - stage.offsetLeft, top = canvas.scrollTop + y - stage.offsetTop;
      const factor = next / scale;
      scale = next;
      stage.style.zoom = String(scale);
      canvas.scrollLeft = left * factor - x + stage.offsetLeft;
      canvas.scrollTop = top * factor - y + stage.offsetTop;
      drawMap();
    }
    function fit() {
      const seen = stage.getBoundingClientRect();
      zoom(scale * Math.min(canvas.clientWidth / seen.width, canvas.clientHeight / seen.height));
      centre();
    }
    function centre() {
      canvas.scrollLeft = (canvas.scrollWidth - canvas.clientWidth) / 2;
    }
    function bring(box) {
      reveal(box);
      if (scale < 0.35) zoom(1);
      const shape = box.getBoundingClientRect(), view = canvas.getBoundingClientRect();
      canvas.scrollLeft += shape.left + shape.width / 2 - view.left - view.width / 2;
      canvas.scrollTop += shape.top + shape.height / 2 - view.top - view.height / 2;
    }

    /* ---------------------------------------------------------------- details */

    const panel = element("div", { className: "panel", hidden: true });
    panel.setAttribute("role", "region");
    panel.setAttribute("aria-label", "Details of the selected layer");
    panel.setAttribute("aria-live", "polite");

    function jump(box) {
      const link = element("a", { href: "#" + box.id, textContent: tooltipLines(box)[0] || "(no name)" });
      link.addEventListener("click", (event) => {
        event.preventDefault();
        const other = views.get(box.closest("figure"));
        other.select(box);
        if (box.closest("figure") !== figure) box.closest("figure").scrollIntoView({ block: "start" });
      });
      return link;
    }

    function jumps(found) {
      const parts = [];
      for (const box of found.slice(0, 8)) parts.push(parts.length ? ", " : "", jump(box));
      return found.length > 8 ? [...parts, ` and ${found.length - 8} more`] : parts;
    }

    function describe(box) {
      const [name, ...facts] = tooltipLines(box);
      const list = element("dl", { className: "facts" });
      const add = (what, ...content) => list.append(element("dt", { textContent: what }), element("dd", {}, ...content));
      for (const fact of facts) {
        const colon = fact.indexOf(": ");
        add(fact.slice(0, colon), fact.slice(colon + 2));
      }
      const index = indexOf.get(box);
      if (incoming[index].length) add("from", ...jumps(incoming[index].map((edge) => edge.box)));
      if (outgoing[index].length) add("to", ...jumps(outgoing[index].map((edge) => edge.box)));
      const row = document.getElementById(anchorOf(box));
      if (row?.matches("tr")) add("table", element("a", { href: "#" + row.id, textContent: "row of the layer" }));
      const innerDiagrams = [...document.querySelectorAll("figure[data-inside]")].filter((inner) => inner.dataset.inside === box.id);
      if (innerDiagrams.length) {
        add("diagrams", ...innerDiagrams.flatMap((inner, place) => [place ? ", " : "",
          element("a", { href: "#" + inner.id, textContent: inner.dataset.name })]));
      }
      for (const [other, view] of views) {
        const same = (boxesOf.get(anchorOf(box)) ?? []).filter((item) => other !== figure && view.has(item));
        if (same.length) add(view.title, ...jumps(same));
      }
      const close = element("button", { type: "button", className: "close", textContent: "✕" });
      close.setAttribute("aria-label", "Close the details");
      close.addEventListener("click", () => { panel.hidden = true; });
      panel.replaceChildren(close, element("h5", { textContent: name || "(no name)" }), list);
      panel.hidden = false;
      panel.scrollTop = 0;
    }

    function select(box, quietly = false) {
      mark(anchorOf(box));
      box.classList.add("selected");
      if (!selected.includes(box)) selected.push(box);
      describe(box);
      bring(box);
      if (!quietly) box.focus({ preventScroll: true });
      writeAddress(box.id);
      drawMap();
    }

    stage.addEventListener("click", (event) => {
      const box = event.target.closest("a");
      if (!box || moved) return event.preventDefault();
      if (box.matches(".block")) return;
      event.preventDefault();
      select(box.matches(".ref") ? document.getElementById(anchorOf(box)) : box);
    });

    function light(box, on) {
      const index = indexOf.get(box);
      if (index === undefined) return;
      for (const { arrow } of [...incoming[index], ...outgoing[index]]) arrow.classList.toggle("near", on);
    }
    for (const [start, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      stage.addEventListener(start, (event) => light(event.target.closest("a"), true));
      stage.addEventListener(end, (event) => light(event.target.closest("a"), false));
    }

    /* ---------------------------------------------------------------- keyboard */

    const neighbour = (box, step) => {
      const siblings = [...box.closest("svg").querySelectorAll("a[id]")];
      return siblings[siblings.indexOf(box) + step];
    };
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const box = event.target.closest("a[id]"), index = indexOf.get(box);
      const actions = {
        "+": () => zoom(scale * 1.25), "-": () => zoom(scale / 1.25), 0: () => zoom(1), f: fit,
        "/": () => search.focus(),
        Escape: () => { if (panel.hidden) expand(false); panel.hidden = true; },
        ...(index === undefined ? {} : {
          ArrowDown: () => select(outgoing[index][0]?.box ?? box), ArrowUp: () => select(incoming[index][0]?.box ?? box),
          ArrowRight: () => select(neighbour(box, 1) ?? box), ArrowLeft: () => select(neighbour(box, -1) ?? box),
        }),
      };
      if (!(event.key in actions)) return;
      event.preventDefault();
      actions[event.key]();
    });

    /* ---------------------------------------------------------------- pan and zoom */

    let moved = false, grip = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch") return;
      moved = false;
      grip = { x: event.clientX, y: event.clientY, left: canvas.scrollLeft, top: canvas.scrollTop };
    });
    addEventListener("pointermove", (event) => {
      if (!grip) return;
      const dx = event.clientX - grip.x, dy = event.clientY - grip.y;
      if (!moved && Math.hypot(dx, dy) < 5) return;
      moved = true;
      canvas.classList.add("grabbed");
      canvas.scrollLeft = grip.left - dx;
      canvas.scrollTop = grip.top - dy;
    });
    addEventListener("pointerup", () => {
      grip = null;
      canvas.classList.remove("grabbed");
      setTimeout(() => { moved = false; });
    });
    stage.addEventListener("dragstart", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const view = canvas.getBoundingClientRect();
      zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - view.left, event.clientY - view.top);
    }, { passive: false });

    /* ---------------------------------------------------------------- search */

    const search = element("input", { type: "search", placeholder: "Find: name, type or shape" });
    search.setAttribute("aria-label", "Find a layer by name, type or shape");
    const count = element("span", { className: "shown" });
    count.setAttribute("role", "status");
    let hits = [], current = -1;
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().replaceAll(/(\d)[x,](?=\d)/g, "$1×").split(/\s+/).filter(Boolean);
      hits = words.length ? boxes.filter((box) => {
        const tooltip = box.querySelector("title").textContent.toLowerCase();
        return words.every((word) => tooltip.includes(word));
      }) : [];
      current = -1;
      const hitSet = new Set(hits);
      boxes.forEach((box) => box.classList.toggle("found", hitSet.has(box)));
      canvas.classList.toggle("searching", words.length > 0);
      count.textContent = words.length ? `${hits.length} found` : "";
      if (hits.length) nextHit(1);
      drawMap();
    });
    function nextHit(step) {
      current = (current + step + hits.length) % hits.length;
      count.textContent = `${current + 1} of ${hits.length}`;
      bring(hits[current]);
    }
    search.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { search.value = ""; search.dispatchEvent(new Event("input")); canvas.focus(); }
      if (event.key !== "Enter" || !hits.length) return;
      if (event.ctrlKey) return select(hits[current]);
      nextHit(event.shiftKey ? -1 : 1);
    });

    /* ---------------------------------------------------------------- map */

    const map = element("canvas", { className: "map", width: 90, height: 220 });
    map.setAttribute("aria-hidden", "true");
    let frame = 0;
    const hidden = (item) => item.closest(".fold:not([open]) > :not(summary)") !== null;
    function drawMap() {
      if (!frame) frame = requestAnimationFrame(paintMap);
    }
    /* Returns how points of the stage map to points of the map. */
    function mapping() {
      const whole = stage.getBoundingClientRect();
      const factor = Math.min(map.width / whole.width, map.height / whole.height);
      return { whole, factor, left: (map.width - whole.width * factor) / 2 };
    }
    function paintMap() {
      frame = 0;
      const ink = map.getContext("2d"), { whole, factor, left } = mapping();
      ink.clearRect(0, 0, map.width, map.height);
      map.hidden = canvas.scrollHeight <= canvas.clientHeight * 1.5 && canvas.scrollWidth <= canvas.clientWidth * 1.5;
      if (map.hidden) return;
      for (const box of [...boxes, ...stage.querySelectorAll(".fold:not([open]) > summary .block")]) {
        if (hidden(box)) continue;
        const shape = box.firstElementChild.getBoundingClientRect();
        ink.fillStyle = box.matches(".selected, .found") ? "#d6006c" : getComputedStyle(box.firstElementChild).fill;
        ink.fillRect(left + (shape.left - whole.left) * factor, (shape.top - whole.top) * factor,
          Math.max(1.5, shape.width * factor), Math.max(1, shape.height * factor));
      }
      const view = canvas.getBoundingClientRect();
      ink.strokeStyle = "#d6006c";
      ink.lineWidth = 1.5;
      ink.strokeRect(left + (view.left - whole.left) * factor, (view.top - whole.top) * factor,
        view.width * factor, Math.max(3, view.height * factor));
    }
    function drag(event) {
      if (!event.buttons) return;
      const { whole, factor, left } = mapping(), own = map.getBoundingClientRect(), view = canvas.getBoundingClientRect();
      canvas.scrollLeft += (event.clientX - own.left - left) / factor + whole.left - view.left - view.width / 2;
      canvas.scrollTop += (event.clientY - own.top) / factor + whole.top - view.top - view.height / 2;
    }
    map.addEventListener("pointerdown", drag);
    map.addEventListener("pointermove", drag);
    canvas.addEventListener("scroll", drawMap, { passive: true });
    figure.addEventListener("toggle", drawMap, true);
    figure.addEventListener("change", drawMap);
    new ResizeObserver(drawMap).observe(canvas);

    /* ---------------------------------------------------------------- saving */

    function save() {
      const parts = [...stage.querySelectorAll("svg")].filter((svg) => !hidden(svg));
      const whole = element("div", {});
      let height = 0, width = 0;
      for (const part of parts) {
        const copy = part.cloneNode(true);
        const originals = part.querySelectorAll("a"), copies = copy.querySelectorAll("a");
        originals.forEach((box, index) => {
          const style = getComputedStyle(box), shape = getComputedStyle(box.firstElementChild);
          copies[index].setAttribute("fill", style.fill);
          copies[index].firstElementChild.setAttribute("fill", shape.fill);
          copies[index].removeAttribute("class");
          copies[index].removeAttribute("href");
        });
        copy.setAttribute("y", String(height));
        height += part.height.baseVal.value;
        width = Math.max(width, part.width.baseVal.value);
        whole.append(copy);
      }
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Arial, sans-serif">`
        + [...whole.children].map((part) => new XMLSerializer().serializeToString(part)).join("") + "</svg>";
      const link = element("a", {
        download: figure.id + ".svg",
        href: URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" })),
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }

    function expand(on) {
      figure.classList.toggle("expanded", on);
      whole.textContent = on ? "Back to the page" : "Whole page";
      drawMap();
    }

    /* ---------------------------------------------------------------- tools */

    const button = (label, title, action) => {
      const made = element("button", { type: "button", textContent: label, title });
      made.addEventListener("click", action);
      return made;
    };
    const whole = button("Whole page", "Esc leads back", () => expand(!figure.matches(".expanded")));
    const openAll = button("Open blocks", "Open or close all repeated blocks", () => {
      const open = folds.some((fold) => !fold.open);
      for (const fold of folds) fold.open = open;
      openAll.textContent = open ? "Close blocks" : "Open blocks";
    });
    if (folds.length && folds.every((fold) => fold.open)) openAll.textContent = "Close blocks";
    body.before(element("div", { className: "tools" }, search, count, element("span", { className: "gap" }),
      ...(folds.length ? [openAll] : []),
      button("−", "Zoom out (-, or Ctrl and the wheel)", () => zoom(scale / 1.25)),
      button("100 %", "Full size (0)", () => zoom(1)),
      button("+", "Zoom in (+, or Ctrl and the wheel)", () => zoom(scale * 1.25)),
      button("Fit", "See the whole diagram (f)", fit), whole,
      button("Save SVG", "As shown, with open blocks", save)));
    body.append(map, panel);
    figure.addEventListener("keydown", (event) => { if (event.key === "Escape" && event.target.closest(".tools")) expand(false); });

    views.set(figure, {
      title: figure.dataset.name || "other diagram",
      has: (box) => indexOf.has(box),
      select,
      describe,
    });
    centre();
    figure.closest("details.block")?.addEventListener("toggle", () => { centre(); drawMap(); }, { once: true });
    drawMap();
  }

  document.querySelectorAll("figure.diagram:has(.stage a)").forEach(equip);
  /* Large diagrams are unpacked later. */
  addEventListener("unpacked", ({ target }) => {
    const figure = target.closest("figure.diagram");
    if (!figure?.querySelector(".stage a")) return;
    equip(figure);
    if (views.get(figure).has(document.getElementById(named()))) follow();
  });

  /* ------------------------------------------------------------------ links from anywhere */

  function named() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return ""; // an address that was typed or cut
    }
  }
  function follow() {
    const id = named();
    const item = id && document.getElementById(id);
    if (!item) return;
    if (item.matches("tr")) mark(id);
    for (const view of views.values()) if (view.has(item)) view.select(item, true);
  }
  addEventListener("hashchange", follow);
  follow();

  /* Marks the boxes of a layer while the pointer is on its row of the table. */
  document.querySelector("main").addEventListener("pointerover", (event) => {
    const row = event.target.closest("tr[id]");
    if (row && boxesOf.has(row.id)) for (const box of boxesOf.get(row.id)) box.classList.add("pointed");
  });
  document.querySelector("main").addEventListener("pointerout", (event) => {
    const row = event.target.closest("tr[id]");
    if (row && boxesOf.has(row.id)) for (const box of boxesOf.get(row.id)) box.classList.remove("pointed");
  });
})();
