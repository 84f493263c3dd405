import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byCodePoint, foldedJson, stableJson, type Json } from '../../src/util/json.ts'

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

test('folded JSON is the same JSON, sorted, and keeps its width where it can', () => {
  const value = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom<Json>(null, true, 'a', 'ä"\n', '', 0, -1.5, 1e-7, 12345),
      fc.array(tie('json'), { maxLength: 6 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'a longer key', '__proto__', '0'), tie('json')),
    ),
  })).json
  fc.assert(
    fc.property(value, fc.integer({ min: 10, max: 60 }), (json, width) => {
      const text = foldedJson(json, width)
      assert.equal(stableJson(JSON.parse(text) as Json), stableJson(json))
      assert.equal(foldedJson(JSON.parse(text) as Json, width), text)
      for (const line of text.split('\n')) {
        // What is longer is one value that cannot be broken.
        const isOne = /^ *(?:"(?:[^"\\]|\\.)*": )?(?:[[{]\S?|[^[{].*),?$/.test(line)
        assert.ok(line.length <= width || isOne, `${width}: ${text}`)
      }
    }),
  )
  assert.equal(
    foldedJson({ b: [1, 2, 3], a: { c: 'x'.repeat(20), d: {} } }, 30),
    `{\n  "a": {\n    "c": "${'x'.repeat(20)}",\n    "d": {}\n  },\n  "b": [1, 2, 3]\n}\n`,
  )
})
