/* The order of a table's rows. */

const collator = new Intl.Collator(undefined, { numeric: true });

function compare(a, b) {
  return typeof a === "number" ? a - b : collator.compare(a, b);
}

/* Sorts rows in place by their keys; rows without a value (null) come last in both directions. */
export function sortRows(rows, key, descending) {
  const keys = new Map(rows.map((row) => [row, key(row)]));
  return rows.sort((first, second) => {
    const [a, b] = [keys.get(first), keys.get(second)];
    if (a === null || b === null) return (a === null) - (b === null);
    return descending ? compare(b, a) : compare(a, b);
  });
}

/* Returns whether a click sorts in descending order: numbers do first, words do not. */
export function nextDescending(ariaSort, numeric) {
  return ariaSort === "none" ? numeric : ariaSort === "ascending";
}
