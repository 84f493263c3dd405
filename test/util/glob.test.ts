import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { globPattern, stepPattern } from '../../src/util/glob.ts'

/** The same pattern as a regular expression. */
function expression(pattern: string): RegExp {
  const source = pattern.replace(/[*?]|\[!?[^\]]+\]|[^]/gu, (part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    if (part.length > 1 && part.startsWith('[')) return part.replace('[!', '[^')
    return part.replace(/[.+^${}()|[\]\\]/, '\\$&')
  })
  return new RegExp(`^${source}$`, 'su')
}

const part = fc.constantFrom('*', '?', 'a', 'b', '.', '+', '[ab]', '[!a]', '[a-c]', '🍎')
const text = fc
  .array(fc.constantFrom('a', 'b', 'c', '.', '+', '🍎', '\n'), { maxLength: 8 })
  .map((parts) => parts.join(''))

describe('a glob', () => {
  it('matches what the regular expression of the same meaning does', () => {
    const pattern = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(pattern, text, (glob, name) => {
        assert.equal(globPattern(glob)(name), expression(glob).test(name))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes a set that is none for its letters, and ] as the first of a set', () => {
    assert.ok(globPattern('[z-a]')('[z-a]'))
    assert.ok(!globPattern('[z-a]')('b'))
    assert.ok(globPattern('[]a]')(']'))
    assert.ok(globPattern('[a-]')('-'))
    assert.ok(globPattern('[a')('[a'))
  })

  it('of a step leaves names with a dot to patterns with one', () => {
    assert.deepEqual(
      ['.a', 'a'].map((name) => [stepPattern('*')(name), stepPattern('.*')(name)]),
      [
        [false, true],
        [true, false],
      ],
    )
    assert.ok(globPattern('*')('.a'))
  })

  it('of many stars is quick on a long text', () => {
    const began = performance.now()
    assert.ok(!globPattern(`${'*a'.repeat(50)}b`)('a'.repeat(100_000)))
    assert.ok(performance.now() - began < 2000)
  })
})
