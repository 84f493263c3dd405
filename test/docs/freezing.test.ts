import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { freezeReport } from '../../src/models/freeze-report.ts'
import type { FreezePolicy } from '../../src/models/freeze.ts'
import { addHead } from '../../src/models/head.ts'
import { cheapestCut } from '../../src/models/frontier.ts'
import { resolveFreeze } from '../../src/models/freeze.ts'
import { SCHEMA } from '../../src/pipeline/schema.ts'
import { countText } from '../../src/util/text.ts'
import { ROOT } from '../support/paths.ts'

/** What docs/freezing.md says of MobileNetV2 and NASNetMobile is what they are. */
const page = readFileSync(join(ROOT, 'docs/freezing.md'), 'utf8')
const trunk = buildBaseModel({ name: 'MobileNetV2' })

describe('docs/freezing.md', () => {
  const rows = [...page.matchAll(/^\| `(.+?)` +\| (\d+) +\| ([\d,]+) +\|$/gm)]

  it('shows each kind of policy', () => {
    const kinds = rows.map(([, text]) => {
      const policy = parse(text!) as FreezePolicy
      return typeof policy === 'string' ? policy : Object.keys(policy)[0]
    })
    assert.deepEqual([...new Set(kinds)], ['all', 'none', 'first', 'upTo', 'layers', 'except'])
  })

  for (const [, text, layers, parameters] of rows) {
    it(`${text}: ${layers} layers, ${parameters} parameters`, () => {
      const report = freezeReport(trunk, parse(text!) as FreezePolicy)
      assert.equal(report.layers.filter(({ frozen }) => frozen).length, Number(layers))
      assert.equal(countText(report.parameters.trainable), parameters)
    })
  }

  it('leaves every batch normalization frozen in the last of its policies', () => {
    const report = freezeReport(trunk, parse(rows.at(-1)![1]!) as FreezePolicy)
    assert.ok(report.layers.every(({ batchNorm }) => batchNorm !== 'training'))
  })

  it('says what moves averages by how much', () => {
    const momentumOf = (name: string) =>
      buildBaseModel({ name }).layers.flatMap(({ config }) =>
        'momentum' in config ? [config.momentum] : [],
      )
    assert.ok(momentumOf('MobileNetV2').every((momentum) => momentum === 1 - 1 / 1000))
    assert.ok(momentumOf('NASNetMobile').every((momentum) => momentum === 1 - 3 / 10_000))
  })

  it('says what is kept of NASNetMobile', () => {
    const graph = addHead(
      buildBaseModel({ name: 'NASNetMobile' }),
      ['Flatten', { Dense: { units: 2 } }],
      2,
    )
    const policy = { first: 600 }
    assert.equal(freezeReport(graph, policy).frontier.length, 8)
    assert.equal(cheapestCut(graph, resolveFreeze(policy, graph), { recompute: true }).length, 4)
  })

  it('names the budget of the schema', () => {
    const settings = SCHEMA.definitions!['features']!.anyOf![1]!
    assert.equal(settings.properties!['maxBytes']!.default, 20e9)
    assert.match(page, /`maxBytes` \(20 GB\)/)
  })

  it('tells truly that no trunk has dropout', () => {
    for (const name of ['MobileNetV2', 'NASNetMobile', 'EfficientNetLite0']) {
      assert.ok(buildBaseModel({ name }).layers.every(({ kind }) => kind !== 'Dropout'))
    }
  })
})
