"use strict";
/* Adds to a page that is complete without it: tables that sort, filter, and can be taken away. */
(() => {
  const text = (cell) => cell.textContent.trim();
  const number = (cell) => {
    const shown = cell.dataset.v ?? text(cell).replace(/[\s\u202f]/g, "").replace("\u2212", "-");
    const value = parseFloat(shown.replace(/^</, ""));
    return Number.isNaN(value) ? null : value;
  };

  function compare(a, b) {
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  }

  function sortBy(table, column, head) {
    const descending = head.getAttribute("aria-sort") !== "descending" && head.classList.contains("n")
      || head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) if (other !== head) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const key = head.classList.contains("n") ? number : text;
    const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
    rows.sort(([a], [b]) => {
      const order = compare(a, b);
      return descending && a !== null && b !== null ? -order : order;
    });
    body.append(...rows.map(([, row]) => row));
  }

  /* "relu", "type: Convolution", "time > 0.5", "-type: Reorder": words apart by ";" must all hold. */
  const OPERATORS = {
    ":": (cell, wanted) => text(cell).toLowerCase().includes(wanted),
    "=": (cell, wanted) => text(cell).toLowerCase() === wanted || number(cell) === parseFloat(wanted),
    "!=": (cell, wanted) => !OPERATORS["="](cell, wanted),
    "<": (cell, wanted) => number(cell) !== null && number(cell) < parseFloat(wanted),
    "<=": (cell, wanted) => number(cell) !== null && number(cell) <= parseFloat(wanted),
    ">": (cell, wanted) => number(cell) !== null && number(cell) > parseFloat(wanted),
    ">=": (cell, wanted) => number(cell) !== null && number(cell) >= parseFloat(wanted),
  };

  function conditions(table, query) {
    const names = [...table.tHead.rows[0].cells].map((head) => head.dataset.name.toLowerCase());
    return query.toLowerCase().split(";").map((part) => part.trim()).filter(Boolean).map((part) => {
      const negated = part.startsWith("-");
      const words = negated ? part.slice(1) : part;
      const found = words.match(/^(.+?)\s*(!=|<=|>=|[:=<>])\s*(.+)$/);
      const column = found ? names.findIndex((name) => name.startsWith(found[1])) : -1;
      const holds = column >= 0
        ? (row) => OPERATORS[found[2]](shareAware(row.cells[column]), found[3])
        : (row) => row.textContent.toLowerCase().includes(words);
      return (row) => holds(row) !== negated;
    });
  }

  /* A reader compares with what is shown: 12.3 for a share that sorts by 0.123. */
  function shareAware(cell) {
    if (!cell.querySelector("svg.bar")) return cell;
    return { textContent: cell.textContent, dataset: {} };
  }

  function csv(table) {
    const quote = (value) => {
      // A leading = + - @ would be run as a formula by a spreadsheet, unless it is a number.
      const safe = /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? "'" + value : value;
      return /[",\n\r;]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
    };
    const shown = (cell) => {
      const copy = cell.cloneNode(true);
      copy.querySelectorAll("dl, .interval, details table").forEach((part) => part.remove());
      return text(copy).replace(/(\d)\u202f(?=\d)/g, "$1").replace("\u2212", "-");
    };
    const heads = [...table.tHead.rows[0].cells].map((head) => head.dataset.name + (head.dataset.unit ? ` (${head.dataset.unit})` : ""));
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => [...row.cells].map(shown));
    return [heads, ...rows].map((row) => row.map(quote).join(",")).join("\r\n") + "\r\n";
  }

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function tools(table) {
    const rows = [...table.tBodies[0].rows];
    const shown = element("span", { className: "shown" });
    shown.setAttribute("aria-live", "polite");
    const filter = element("input", {
      type: "search", placeholder: "Filter: relu; type: conv; time > 0.5", size: 34,
      title: "Words that a row contains, or COLUMN and one of : = != < <= > >=; several apart by ;  A leading - excludes.",
    });
    filter.setAttribute("aria-label", "Filter rows of " + table.caption.firstChild.textContent.trim());
    filter.addEventListener("input", () => {
      const tests = conditions(table, filter.value);
      let count = 0;
      for (const row of rows) {
        row.hidden = !tests.every((holds) => holds(row));
        count += !row.hidden;
      }
      shown.textContent = tests.length ? `${count} of ${rows.length}` : "";
    });
    const columns = element("details", { className: "columns" }, element("summary", { textContent: "Columns" }));
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      const box = element("input", { type: "checkbox", checked: true });
      box.addEventListener("change", () => {
        for (const row of table.rows) if (row.cells[index]) row.cells[index].hidden = !box.checked;
      });
      columns.append(element("label", {}, box, " " + head.dataset.name));
    });
    const copy = element("button", { type: "button", textContent: "Copy CSV" });
    copy.addEventListener("click", () => navigator.clipboard.writeText(csv(table)).then(() => { copy.textContent = "Copied"; }, () => { copy.textContent = "Not allowed here"; }));
    const save = element("button", { type: "button", textContent: "Save CSV" });
    save.addEventListener("click", () => {
      const link = element("a", { href: URL.createObjectURL(new Blob(["\ufeff" + csv(table)], { type: "text/csv" })), download: table.id + ".csv" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    return element("div", { className: "tools" }, filter, shown, columns, copy, save);
  }

  for (const table of document.querySelectorAll("table")) {
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      const unit = head.querySelector(".unit");
      head.dataset.unit = unit ? text(unit) : "";
      head.dataset.name = text(head).slice(0, text(head).length - head.dataset.unit.length).trim();
      if (table.tBodies[0].rows.length < 2) return;
      head.setAttribute("aria-sort", "none");
      const button = element("button", { type: "button", className: "sort", title: "Sort" });
      button.append(...[...head.childNodes].filter((node) => node !== unit));
      head.prepend(button);
      button.addEventListener("click", () => sortBy(table, index, head));
    });
    if ("tools" in table.dataset) table.closest(".scroll").before(tools(table));
  }

  /* Paper has no folds; a link into a fold opens it. */
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }));
  function openTarget() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    const own = target && target.querySelector(":scope > td > details");
    if (own) own.open = true;
    if (target) target.scrollIntoView({ block: "center" });
  }
  addEventListener("hashchange", openTarget);
  openTarget();
})();
