/* The language of a table's filter. A row is { text, cell }: cell(column) returns
   { text, name, number, missing }. "name" is the text of a cell without its details, "number" is
   null if it has no number. */

const is = (cell, wanted) => wanted === "n/a"
  ? cell.missing
  : cell.name.toLowerCase() === wanted || cell.number === Number(wanted);
const comparison = (holds) => (cell, wanted) => cell.number !== null && holds(cell.number, Number(wanted));
const OPERATORS = {
  ":": (cell, wanted) => cell.text.toLowerCase().includes(wanted),
  "=": is,
  "!=": (cell, wanted) => !is(cell, wanted),
  "<": comparison((a, b) => a < b),
  "<=": comparison((a, b) => a <= b),
  ">": comparison((a, b) => a > b),
  ">=": comparison((a, b) => a >= b),
};
const SYNONYMS = { contains: ":", is: "=", "is not": "!=", "\u2260": "!=", "\u2264": "<=", "\u2265": ">=" };
const CONDITION = /^(.+?)(?:\s+(contains|is not|is)\s+|\s*(!=|<=|>=|[\u2260\u2264\u2265:=<>])\s*)(.+)$/;

/* Returns one test of a row for each part between ";": "relu", "type: conv", "type is Convolution",
   "time > 0.5", "work = n/a", "-type: reorder". The first letters of a column name it; a part that
   names no column searches the whole row. */
export function conditions(names, query) {
  return query.toLowerCase().split(";").map((part) => part.trim()).filter(Boolean).map((part) => {
    const negated = part.startsWith("-");
    const condition = negated ? part.slice(1).trim() : part;
    const [, name, word, sign, wanted] = condition.match(CONDITION) ?? [];
    const operator = SYNONYMS[word ?? sign] ?? sign;
    const column = name ? names.findIndex((label) => label.toLowerCase().startsWith(name)) : -1;
    const holds = column >= 0
      ? (row) => OPERATORS[operator](row.cell(column), wanted)
      : (row) => row.text.toLowerCase().includes(condition);
    return (row) => holds(row) !== negated;
  });
}
