import assert from "node:assert/strict";
import test from "node:test";

import { nextDescending, sortRows } from "../../templates/sorting.mjs";

const sorted = (keys, descending) => sortRows([...keys.keys()], (row) => keys[row], descending).map((row) => keys[row]);

test("numbers are sorted by size", () => {
  assert.deepEqual(sorted([10, 9, -1, 0.5], false), [-1, 0.5, 9, 10]);
  assert.deepEqual(sorted([10, 9, -1, 0.5], true), [10, 9, 0.5, -1]);
});

test("numbers within words count as numbers", () => {
  assert.deepEqual(sorted(["layer10", "layer9", "Layer1"], false), ["Layer1", "layer9", "layer10"]);
});

test("a missing value is last in either direction", () => {
  assert.deepEqual(sorted([null, 1, null, 2], false), [1, 2, null, null]);
  assert.deepEqual(sorted([null, "a", "b"], true), ["b", "a", null]);
});

test("rows that are alike keep their order", () => {
  const rows = [{ key: 1, at: 0 }, { key: 0, at: 1 }, { key: 1, at: 2 }];
  assert.deepEqual(sortRows(rows, ({ key }) => key, true).map(({ at }) => at), [0, 2, 1]);
});

test("the first click sorts numbers downwards and words upwards, the next turns round", () => {
  assert.equal(nextDescending("none", true), true);
  assert.equal(nextDescending("none", false), false);
  assert.equal(nextDescending("ascending", true), true);
  assert.equal(nextDescending("descending", false), false);
});
