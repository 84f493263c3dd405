import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eachLine, readLinesAt, type Place } from '../../../src/runs/diff/lines.ts'

test('lines across chunks, longer than a chunk, empty, and without an end are read whole', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-lines-'))
  try {
    const path = join(folder, 'lines')
    const lines = [
      'a',
      'é'.repeat(3_000_000),
      ...Array.from({ length: 30_000 }, (_, i) => `${i} ${'x'.repeat(i % 400)}`),
      'b'.repeat(9_000_000),
      'end',
    ]
    writeFileSync(path, `\n${lines.join('\n')}`)
    const read: string[] = []
    const places: Place[] = []
    eachLine(path, (bytes, place) => {
      read.push(bytes.toString('utf8'))
      places.push(place)
    })
    assert.equal(read.length, lines.length)
    assert.ok(read.every((line, i) => line === lines[i]))
    const some = [lines.length - 1, 0, 1, 17_000]
    assert.ok(
      readLinesAt(
        path,
        some.map((i) => places[i]!),
      ).every((line, i) => line === lines[some[i]!]),
    )
    writeFileSync(path, '')
    eachLine(path, () => assert.fail('there is no line'))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
