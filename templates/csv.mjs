/* CSV for spreadsheets. ovreport/text/csv.py recognises formulas by the same signs. */

const FORMULA = /^(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/;

function quoted(value) {
  // A spreadsheet runs a text with such a beginning as a formula, unless it is a number.
  const safe = FORMULA.test(value) && Number.isNaN(Number(value)) ? "'" + value : value;
  return /[",;\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/* Joins values to lines; each line ends with CR LF (RFC 4180). */
export function csvText(lines) {
  return lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
}

/* Writes a number for programs: without spaces between thousands, and with an ASCII minus. */
export function plain(shown) {
  return shown.replace(/(\d)\u202f(?=\d)/g, "$1").replace(/^\u2212(?=\d)/, "-");
}
