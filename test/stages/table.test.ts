import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openEnvironment } from '../../src/stages/environment.ts'
import { STAGE_KINDS } from '../../src/stages/table.ts'

for (const row of STAGE_KINDS) {
  test(`the table says of the kind ${row.kind} what its module says`, async () => {
    const environment = openEnvironment(() => Promise.reject(new Error('no engine here')))
    const { kind, version, describe, exclusive, probe, accept, estimate } =
      await row.load(environment)
    assert.deepEqual(
      { kind, version, describe, exclusive },
      { kind: row.kind, version: row.version, describe: row.describe, exclusive: row.exclusive },
    )
    const has = Object.entries({ probe, accept, estimate }).filter(([, f]) => f !== undefined)
    assert.deepEqual(has.map(([name]) => name).sort(), [...row.has].sort())
  })
}
