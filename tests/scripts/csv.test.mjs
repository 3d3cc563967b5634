import assert from "node:assert/strict";
import test from "node:test";

import { csvText, plain } from "../../templates/csv.mjs";

test("lines end with CR LF and what separates is quoted", () => {
  assert.equal(csvText([["a", "b,c"], ['say "x"', "1;2"], ["two\nlines", ""]]),
    'a,"b,c"\r\n"say ""x""","1;2"\r\n"two\nlines",\r\n');
});

for (const formula of ["=1+1", "+A1", "-A1", "@SUM(A1)", "\tx", "\r=1", " =1", "\uff1d1"]) {
  test(`${JSON.stringify(formula)} is no formula`, () => {
    assert.match(csvText([[formula]]), /^"?'/);
  });
}

test("negative numbers stay numbers", () => assert.equal(csvText([["-5", "+1e3"]]), "-5,+1e3\r\n"));

test("numbers are written as programs read them", () => {
  assert.equal(plain("1\u202f234\u202f567"), "1234567");
  assert.equal(plain("\u22125.2"), "-5.2");
  assert.equal(plain("5\u202fms"), "5\u202fms");
  assert.equal(plain("a \u2212 b"), "a \u2212 b");
});
