import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byCodePoint } from '../../src/util/json.ts'

test('code-point order is the order of the code points', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '😀', '𝒳'),
  })
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [x, y] = [a, b].map((s) => [...s].map((c) => c.codePointAt(0)!))
      const at = x!.findIndex((value, i) => value !== y![i])
      const expected = at < 0 ? x!.length - y!.length : at >= y!.length ? 1 : x![at]! - y![at]!
      assert.equal(Math.sign(byCodePoint(a, b)), Math.sign(expected))
    }),
  )
})
