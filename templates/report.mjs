import { csvText, plain } from "./csv.mjs";
import { conditions } from "./filter.mjs";
import { nextDescending, sortRows } from "./sorting.mjs";

/* Adds tools to tables: sorting, filtering and CSV. The page is complete without this script. */
(() => {
  const text = (cell) => cell.textContent.trim();

  /* A cell has its value in data-v if its text is not the value. */
  const isMissing = (cell) => (cell.dataset.v ?? text(cell)) === "";

  /* The number of a cell, in the unit of its column; null for words and for a missing value. */
  function number(cell) {
    const value = parseFloat(cell.dataset.v ?? text(cell));
    return Number.isNaN(value) ? null : value;
  }

  /* Returns the index of a column by its key. */
  const columnIndex = (table, key) => table.tHead.querySelector(`th[data-key="${key}"]`).cellIndex;

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  /* ------------------------------------------------------------------ rows */

  const AT_ONCE = 500;

  /* Fixed widths keep columns from jumping when rows change, and save the browser from measuring
     them again, which takes seconds with 5,000 rows. */
  function freeze(table) {
    if (table.style.tableLayout === "fixed") return;
    const cells = [table, ...table.tHead.rows[0].cells].filter((cell) => cell === table || isShown(cell));
    const widths = cells.map((cell) => cell.getBoundingClientRect().width);
    cells.forEach((cell, index) => { cell.style.width = widths[index] + "px"; });
    table.style.tableLayout = "fixed";
  }

  function thaw(table) {
    for (const cell of [table, ...table.tHead.rows[0].cells]) cell.style.width = "";
    table.style.tableLayout = "";
  }

  /* A class of the table hides a column in all rows. */
  const isShown = (cell) => !cell.closest("table").classList.contains("h" + (cell.cellIndex + 1));

  /* Shows the first rows at once, and adds the others in the background. */
  function showRows(view) {
    const body = view.table.tBodies[0];
    view.shown = view.rows.filter(view.holds);
    freeze(view.table);
    clearTimeout(view.timer);
    body.replaceChildren(...view.shown.slice(0, AT_ONCE));
    const append = (from) => {
      if (from >= view.shown.length) return;
      body.append(...view.shown.slice(from, from + AT_ONCE));
      view.timer = setTimeout(append, 0, from + AT_ONCE);
    };
    view.timer = setTimeout(append, 0, AT_ONCE);
  }

  /* ------------------------------------------------------------------ sorting */

  function sortBy(rows, column, head) {
    const numeric = head.classList.contains("n");
    const descending = nextDescending(head.getAttribute("aria-sort"), numeric);
    for (const other of head.parentNode.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const key = numeric ? number : (cell) => (isMissing(cell) ? null : text(cell));
    sortRows(rows, (row) => key(row.cells[column]), descending);
  }

  /* ------------------------------------------------------------------ filtering */

  const nameOf = (cell) => text(cell.querySelector(":scope > details > summary") ?? cell);

  /* Returns cells and rows as filter.mjs reads them. Most filters read one cell of a row, so these
     are getters. */
  const readCell = (cell) => ({
    get text() { return text(cell); },
    get name() { return nameOf(cell); },
    get number() { return number(cell); },
    get missing() { return isMissing(cell); },
  });
  const readRow = (row) => ({
    get text() { return row.textContent; },
    cell: (column) => readCell(row.cells[column]),
  });

  /* Returns an example of a filter with two columns of the table. */
  function example({ heads, rows }) {
    const others = heads.slice(1).filter(({ cell, name }) => name && !("optional" in cell.dataset));
    const firstColumn = (selector, holds) => others.filter(({ cell }) => cell.matches(selector))
      .map(({ cell, name }) => ({ name: name.toLowerCase(), cell: rows[0].cells[cell.cellIndex] }))
      .find(({ cell }) => holds(cell));
    const word = firstColumn(":not(.n)", (cell) => /^[a-z]{3}/i.test(text(cell)));
    const size = firstColumn(".n", (cell) => number(cell) !== null);
    return ["words",
      ...(word ? [`${word.name}: ${text(word.cell).match(/^[a-z]+/i)[0].toLowerCase().slice(0, 4)}`] : []),
      ...(size ? [`${size.name} > ${Number(number(size.cell).toPrecision(1))}`] : []),
    ].join("; ");
  }

  /* ------------------------------------------------------------------ CSV */

  const exported = (cell) => cell.dataset.v ?? plain(nameOf(cell));

  /* Returns the rows and columns that are shown, as CSV. */
  function csv({ heads, shown }) {
    const names = heads.filter(({ cell }) => isShown(cell));
    const cells = (row) => names.map(({ cell }) => row.cells[cell.cellIndex]);
    return csvText([
      names.map(({ name, unit }) => (unit ? `${name} (${unit})` : name)),
      ...shown.map((row) => cells(row).map(exported)),
    ]);
  }

  function download(name, content) {
    const url = URL.createObjectURL(new Blob(["\ufeff" + content], { type: "text/csv" }));
    element("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  /* ------------------------------------------------------------------ shares */

  /* Adds a box to each row that leaves it out of the distribution; shares are of the other rows. */
  function shareOfTheRest(table, rows) {
    const [time, share] = [columnIndex(table, "time"), columnIndex(table, "share")];
    const boxes = rows.map((row) => {
      const box = element("input", { type: "checkbox", checked: true });
      box.setAttribute("aria-label", "Count " + text(row.cells[0]) + " in");
      row.cells[0].prepend(box, " ");
      return box;
    });
    const whole = rows.reduce((sum, row) => sum + (number(row.cells[time]) ?? 0), 0) || 1;
    const update = () => {
      const times = rows.map((row, index) => (boxes[index].checked ? number(row.cells[time]) ?? 0 : 0));
      const total = times.reduce((sum, seconds) => sum + seconds, 0) || whole;
      rows.forEach((row, index) => {
        const [cell, percent] = [row.cells[share], 100 * times[index] / total];
        row.classList.toggle("left-out", !boxes[index].checked);
        cell.dataset.v = boxes[index].checked ? percent.toPrecision(6) : "";
        cell.textContent = boxes[index].checked ? percent.toFixed(1) : "\u2013";
        cell.className = cell.className.replace(/\bb\d+\b/, "b" + Math.round(percent / 2));
      });
    };
    for (const box of boxes) box.addEventListener("change", update);
  }

  /* ------------------------------------------------------------------ a table's tools */

  function tools(view) {
    const { table, heads, rows } = view;
    const count = element("span", { className: "shown" });
    count.setAttribute("role", "status");
    const filter = element("input", {
      type: "search",
      placeholder: "Filter: " + example(view),
      title: "Words that a row contains, or COLUMN, one of : = != < <= > >= (contains, is, is not) and a value; n/a is a missing value. Separate several conditions by ; and all must hold. A leading - excludes.",
    });
    filter.setAttribute("aria-label", "Filter the rows of " + text(table.caption.querySelector(".title")));
    filter.addEventListener("input", () => {
      const tests = conditions(heads.map(({ name }) => name), filter.value);
      view.holds = (row) => {
        const cells = readRow(row);
        return tests.every((holds) => holds(cells));
      };
      showRows(view);
      table.classList.toggle("filtered", tests.length > 0);
      count.textContent = tests.length ? `${view.shown.length} of ${rows.length}` : "";
    });

    const columns = element("details", { className: "columns" }, element("summary", { textContent: "Columns" }));
    heads.forEach(({ cell, name }, index) => {
      // The first column names the rows. Hiding it with 5,000 foldable details takes half a minute.
      if (index === 0) return;
      const box = element("input", { type: "checkbox", checked: !("optional" in cell.dataset) });
      const apply = () => table.classList.toggle("h" + (index + 1), !box.checked);
      apply();
      box.addEventListener("change", () => {
        apply();
        thaw(table);
      });
      columns.append(element("label", {}, box, " " + name));
    });

    const copy = element("button", { type: "button", textContent: "Copy CSV" });
    const confirm = (message) => {
      copy.textContent = message;
      setTimeout(() => { copy.textContent = "Copy CSV"; }, 2000);
    };
    copy.addEventListener("click", () => {
      if (!navigator.clipboard) confirm("Not allowed here");
      else navigator.clipboard.writeText(csv(view)).then(() => confirm("Copied"), () => confirm("Not allowed here"));
    });
    const save = element("button", { type: "button", textContent: "Save CSV" });
    save.addEventListener("click", () => download(table.id + ".csv", csv(view)));
    return element("div", { className: "tools" }, ...(rows.length > 5 ? [filter, count] : []), columns, copy, save);
  }

  /* ------------------------------------------------------------------ compressed parts */

  const PACKED = "script[type='application/x-deflate']";

  async function inflated(script) {
    const bytes = Uint8Array.from(atob(script.textContent), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Response(stream).text();
  }

  /* Puts a picture in its place and sends the event "unpacked". */
  const unpacking = new Map();
  function unpack(holder) {
    if (!unpacking.has(holder)) {
      unpacking.set(holder, inflated(holder.querySelector(PACKED)).then((html) => {
        holder.innerHTML = html;
        holder.dispatchEvent(new CustomEvent("unpacked", { bubbles: true }));
      }));
    }
    return unpacking.get(holder);
  }

  const pictures = [...document.querySelectorAll(".packed")];
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) unpack(target);
  }, { rootMargin: "800px" });
  pictures.forEach((holder) => near.observe(holder));

  /* Adds the details of a row when it is opened. */
  function addDetails(table, rows) {
    const script = table.tBodies[0].querySelector(PACKED);
    if (!script) return;
    let parts = null;
    table.addEventListener("toggle", async ({ target }) => {
      if (!target.open || target.querySelector(".more")) return;
      parts ??= inflated(script).then((html) => html.split("\x1e"));
      const index = indices.get(target.closest("tr"));
      const html = (await parts)[index];
      if (!target.querySelector(".more")) target.insertAdjacentHTML("beforeend", html);
    }, true);
    const indices = new Map(rows.map((row, index) => [row, index]));
  }

  function equip(table) {
    const heads = [...table.tHead.rows[0].cells].map((cell) => {
      const unit = cell.querySelector(".unit");
      const words = [...cell.childNodes].filter((node) => node !== unit);
      return { cell, words, name: words.map((node) => node.textContent).join("").trim(), unit: unit ? text(unit) : "" };
    });
    const rows = [...table.tBodies[0].rows];
    const view = { table, heads, rows, shown: rows, holds: () => true, timer: 0 };
    if (rows.length > 1) {
      heads.forEach(({ cell, words }, index) => {
        const button = element("button", { type: "button", className: "sort" }, ...words);
        cell.setAttribute("aria-sort", "none");
        cell.prepend(button);
        button.addEventListener("click", () => {
          sortBy(rows, index, cell);
          showRows(view);
        });
      });
    }
    if ("leaveOut" in table.dataset) shareOfTheRest(table, rows);
    addDetails(table, rows);
    if ("tools" in table.dataset) table.caption.firstElementChild.append(tools(view));
  }

  document.querySelectorAll("main table").forEach(equip);
  addEventListener("unpacked", ({ target }) => target.querySelectorAll("table").forEach(equip));

  /* ------------------------------------------------------------------ the sweet spot */

  /* Moves the sweet spot when a reader sets another latency threshold: its mark and line in the chart,
     and its row in the table. The form lists the sweet spots of all thresholds, lowest latency first. */
  function sweetSpot(form) {
    const { chart, threshold: before } = form.dataset;
    const input = form.querySelector("input");
    const part = (name) => document.getElementById(`c-${chart}-mark-${name}`);
    const figure = document.getElementById(chart);
    const table = document.getElementById(form.dataset.table);
    const [latency, mark] = [columnIndex(table, "latency"), columnIndex(table, "mark")];
    const points = [...table.tBodies[0].rows].map((row) => ({
      row, x: number(row.cells[latency]), drawn: figure.querySelector(`a[href="#${CSS.escape(row.id)}"] use`),
    })).filter(({ x, drawn }) => x !== null && drawn);
    const spots = [...form.querySelectorAll("data[value]")].map((spot) => ({
      from: Number(spot.value), sentence: spot.textContent, ...spot.dataset,
      ...points.find(({ row }) => row.id === spot.dataset.anchor),
    })).filter(({ drawn }) => drawn);
    const none = form.querySelector("data:not([value])").textContent;
    const at = ({ drawn }, axis) => Number(drawn.getAttribute(axis));

    function draw(best, threshold) {
      const spot = part("spot"), name = part("spot-label"), line = part("threshold"), words = part("threshold-label");
      for (const shown of [spot, name]) shown?.setAttribute("visibility", best ? "visible" : "hidden");
      const dot = spot?.querySelector("use"), label = name?.querySelector("text");
      for (const axis of best ? ["x", "y"] : []) dot?.setAttribute(axis, at(best, axis));
      if (best && label) {
        const left = at(best, "x") > figure.querySelector("svg").viewBox.baseVal.width / 2;
        label.setAttribute("x", at(best, "x") + (left ? -8 : 8));
        label.setAttribute("y", at(best, "y") - 5);
        label.setAttribute("text-anchor", left ? "end" : "start");
      }
      const [low, high] = [Math.min, Math.max].map((pick) => points.find(({ x }) => x === pick(...points.map((point) => point.x))));
      if (before === undefined || !low || low.x === high.x) return;
      const scale = (at(high, "x") - at(low, "x")) / (high.x - low.x);
      for (const moved of [line, words]) moved?.setAttribute("transform", `translate(${(threshold - before) * scale} 0)`);
    }

    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    input.addEventListener("input", () => {
      const threshold = input.value === "" ? Infinity : Number(input.value);
      const best = spots.findLast(({ from }) => from <= threshold);
      for (const spot of spots) {
        spot.row.cells[mark].textContent = spot === best ? spot.chosen : spot.otherwise;
        spot.row.classList.toggle("emphasis", spot === best);
      }
      draw(best, Number.isFinite(threshold) ? threshold : Number(before ?? 0));
      form.querySelector("output").textContent = best ? best.sentence : none;
    });
  }

  document.querySelectorAll("form.spot").forEach(sweetSpot);

  /* ------------------------------------------------------------------ links and navigation */

  /* Opens the folds around the target of a link, and the details of a row that a link leads to. */
  async function openTarget() {
    let name = "";
    try {
      name = decodeURIComponent(location.hash.slice(1));
    } catch { /* an address that was typed or cut has no target */ }
    let target = name && document.getElementById(name);
    for (const holder of name && !target ? pictures : []) {
      await unpack(holder);
      target = document.getElementById(name);
      if (target) break;
    }
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    const rest = target.closest(".block")?.querySelector(":scope > .rest");
    if (rest && target.sectionRowIndex >= Number(rest.dataset.first)) rest.open = true;
    const details = target.querySelector(":scope > td > details");
    if (details) details.open = true;
    if (!target.matches("section, h3")) target.scrollIntoView({ block: "center" });
  }
  addEventListener("hashchange", openTarget);
  openTarget();

  /* Marks the section in sight in the navigation. */
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const link = links.get(target.id);
      if (isIntersecting) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    }
  }, { rootMargin: "-20% 0px -79% 0px" });
  document.querySelectorAll("main > section").forEach((section) => sight.observe(section));
})();
