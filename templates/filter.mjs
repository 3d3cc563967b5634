/* The words of a table's filter. A row is { text, cells }, a cell { text, name, number, missing }:
   "name" is its text without its details, "number" null where it has none. */

const is = (cell, wanted) => wanted === "n/a"
  ? cell.missing
  : cell.name.toLowerCase() === wanted || cell.number === Number(wanted);
const compared = (holds) => (cell, wanted) => cell.number !== null && holds(cell.number, Number(wanted));
const OPERATORS = {
  ":": (cell, wanted) => cell.text.toLowerCase().includes(wanted),
  "=": is,
  "!=": (cell, wanted) => !is(cell, wanted),
  "<": compared((a, b) => a < b),
  "<=": compared((a, b) => a <= b),
  ">": compared((a, b) => a > b),
  ">=": compared((a, b) => a >= b),
};
const WRITTEN = { contains: ":", is: "=", "is not": "!=", "\u2260": "!=", "\u2264": "<=", "\u2265": ">=" };
const CONDITION = /^(.+?)(?:\s+(contains|is not|is)\s+|\s*(!=|<=|>=|[\u2260\u2264\u2265:=<>])\s*)(.+)$/;

/* One test of a row for each part between ";": "relu", "type: conv", "type is Convolution",
   "time > 0.5", "work = n/a", "-type: reorder". A column may be named by its first letters; words
   that name no column are sought in the whole row. */
export function conditions(names, query) {
  return query.toLowerCase().split(";").map((part) => part.trim()).filter(Boolean).map((part) => {
    const negated = part.startsWith("-");
    const words = negated ? part.slice(1).trim() : part;
    const [, name, word, sign, wanted] = words.match(CONDITION) ?? [];
    const operator = WRITTEN[word ?? sign] ?? sign;
    const column = name ? names.findIndex((known) => known.toLowerCase().startsWith(name)) : -1;
    const holds = column >= 0
      ? (row) => OPERATORS[operator](row.cells[column], wanted)
      : (row) => row.text.toLowerCase().includes(words);
    return (row) => holds(row) !== negated;
  });
}
