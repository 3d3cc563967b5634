import assert from "node:assert/strict";
import test from "node:test";

import { conditions } from "../../templates/filter.mjs";

const NAMES = ["Layer", "Type", "Time", "Work"];
const cell = (text, number = null, missing = false) => ({ text, name: text, number, missing });
const row = (layer, type, time, work = null) => {
  const cells = [cell(layer), cell(type), cell(String(time), time), cell(String(work ?? "–"), work, work === null)];
  return { text: cells.map(({ text }) => text).join(" "), cell: (column) => cells[column] };
};
const ROWS = [
  row("conv1", "Convolution", 0.8, 3),
  row("conv1/bias", "Add", 0.5),
  row("to_nchw", "Reorder", 0.1),
];
const kept = (query) => {
  const tests = conditions(NAMES, query);
  return ROWS.map((_, place) => place).filter((place) => tests.every((holds) => holds(ROWS[place])));
};

for (const [query, places] of [
  ["", [0, 1, 2]],
  [" ; ;", [0, 1, 2]],
  ["CONV", [0, 1]],
  ["type: conv", [0]],
  ["type contains conv", [0]],
  ["type is add", [1]],
  ["type = Add", [1]],
  ["type is not add", [0, 2]],
  ["type != add", [0, 2]],
  ["type ≠ add", [0, 2]],
  ["ty: conv", [0]],
  ["time > 0.5", [0]],
  ["time>=0.5", [0, 1]],
  ["time ≥ 0.5", [0, 1]],
  ["time < 0.5", [2]],
  ["time ≤ 0.5", [1, 2]],
  ["time = 0.50", [1]],
  ["work = n/a", [1, 2]],
  ["work is not n/a", [0]],
  ["work < 100", [0]],
  ["-type: reorder", [0, 1]],
  ["- conv", [2]],
  ["conv; -type: add", [0]],
  ["time > 0.05; time < 0.6", [1, 2]],
  ["colour: red", []],
  ["time > fast", []],
]) test(`the filter "${query}" keeps rows ${places}`, () => assert.deepEqual(kept(query), places));

test("a colon in a name is sought in the whole row where no column is meant", () => {
  const [holds] = conditions(NAMES, "a:b");
  assert.equal(holds({ text: "x A:B y" }), true);
});

test("only the column that is asked for is read", () => {
  const asked = [];
  const [holds] = conditions(NAMES, "time > 0.5");
  holds({ get text() { throw new Error("not asked for"); }, cell: (column) => { asked.push(column); return cell("0.8", 0.8); } });
  assert.deepEqual(asked, [2]);
});
