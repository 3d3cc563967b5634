/* The order of a table's rows. */

const collator = new Intl.Collator(undefined, { numeric: true });

function compare(a, b) {
  return typeof a === "number" ? a - b : collator.compare(a, b);
}

/* Sorts rows in place by their keys; rows without a value (null) stay last in either direction. */
export function sortRows(rows, key, descending) {
  const keys = new Map(rows.map((row) => [row, key(row)]));
  return rows.sort((one, other) => {
    const [a, b] = [keys.get(one), keys.get(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return descending ? compare(b, a) : compare(a, b);
  });
}

/* Whether a click sorts downwards: numbers start with the largest, words with the first. */
export function nextDescending(ariaSort, numeric) {
  return ariaSort === "none" ? numeric : ariaSort === "ascending";
}
