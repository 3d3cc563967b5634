/* CSV for spreadsheets; the signs of a formula are those of ovreport/text/csv.py. */

const FORMULA = /^(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/;

function quoted(value) {
  // A spreadsheet would run what starts so as a formula, unless it is a number.
  const safe = FORMULA.test(value) && Number.isNaN(Number(value)) ? "'" + value : value;
  return /[",;\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/* Lines of values, each line ended by CR LF (RFC 4180). */
export function csvText(lines) {
  return lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
}

/* Numbers as programs write them: without spaces between thousands, and with an ASCII minus. */
export function plain(shown) {
  return shown.replace(/(\d)\u202f(?=\d)/g, "$1").replace(/^\u2212(?=\d)/, "-");
}
