import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseFreeze } from '../../src/commands/freeze-option.ts'
import { run } from '../../src/commands/models.ts'
import type { FreezeReport } from '../../src/models/freeze-report.ts'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

async function printed(name: string | undefined, options: object): Promise<string> {
  let text = ''
  await run(
    [name],
    { store: join(tmpdir(), 'graft-no-store'), ...options },
    { stdout: { write: (part: string) => void (text += part) } },
  )
  return text
}

test('lists every base model, as text, Markdown, CSV and JSON', async () => {
  const lines = (await printed(undefined, {})).trimEnd().split('\n')
  assert.equal(lines.length, BASE_MODELS.length + 1)
  assert.match(
    lines[1]!,
    /^NASNetMobile +224 +769 +4,269,716 +17\.1 MB +5,326,716 +x \/ 127\.5 - 1/,
  )
  assert.match(
    await printed(undefined, { md: true }),
    /^\| MobileNetV2 \| 224 \| 154 \| 2,257,984 \| 9\.0 MB \|/m,
  )
  assert.match(
    await printed(undefined, { csv: true }),
    /^EfficientNetLite0,224,141,3413024,13652096,4694024,/m,
  )
  const rows = JSON.parse(await printed(undefined, { json: true })) as { name: string }[]
  assert.deepEqual(
    rows.map(({ name }) => name),
    BASE_MODELS.map(({ name }) => name),
  )
})

test('shows a model layer by layer, of any width, size and end', async () => {
  const text = await printed('MobileNetV2', { alpha: '0.5', size: '96x128', pooling: 'avg' })
  assert.match(text, /^ +1 {2}Conv1 +Conv2D +48x64x16 +432$/m)
  assert.match(text, /global_average_pooling2d +GlobalAveragePooling2D +1280/)
  assert.match(text, /\n155 layers, 706,224 parameters\n$/)
  const json = JSON.parse(await printed('MobileNetV2', { top: true, json: true })) as FreezeReport
  assert.equal(json.layers.at(-1)!.name, 'predictions')
  assert.equal(json.layers.length, 156)
  assert.equal(json.parameters, 3_538_984)
})

test('shows what a freeze policy means', async () => {
  const text = await printed('NASNetMobile', { freeze: 'first:600' })
  assert.match(text, /599 {2}separable_conv_1_normal_left1_9 .* frozen\n/)
  assert.match(text, /trained: 2,381,456 of 4,269,716 parameters, in 176 tensors\n/)
  assert.match(text, /batch norm: 146 in inference, with their averages; 46 in training, /)
  assert.match(text, /separable_conv_1_bn_normal_left1_9 .* 704 {2}trained +training\n/)
  assert.match(
    text,
    /frontier: 8 tensors, 379 kB a picture\n {2}reduction_concat_reduce_8 \[7, 7, 704\] 138 kB\n/,
  )
  const csv = await printed('MobileNetV2', { freeze: '{first: 100}', csv: true })
  assert.match(csv, /^100,block_11_expand_relu,ReLU,14x14x576,0,,$/m)
  const json = await printed('MobileNetV2', { freeze: 'upTo:Conv1', json: true })
  const report = JSON.parse(json) as FreezeReport & { freeze: object }
  assert.deepEqual(report.freeze, { upTo: 'Conv1' })
  assert.deepEqual(report.frontier, [{ layer: 'Conv1', shape: [112, 112, 32], bytes: 1605632 }])
})

test('a policy is read as in the file, or short', async () => {
  const globs = { layers: ['block_1*', 'Conv1'] }
  for (const [text, policy] of [
    ['all', 'all'],
    ['none', 'none'],
    ['first:600', { first: 600 }],
    ['{first: 600}', { first: 600 }],
    ['first: 600', { first: 600 }],
    ['upTo=block_1_add', { upTo: 'block_1_add' }],
    ['layers:block_1*, Conv1', globs],
    ['{layers: [block_1*, Conv1]}', globs],
    ['except:*_BN', { except: ['*_BN'] }],
  ] as const) {
    assert.deepEqual(await parseFreeze(text), policy, text)
  }
})

const refused: readonly [string | undefined, object, string, string][] = [
  ['MobileNetV2', { freeze: 'most' }, 'USAGE', 'no freeze policy: "most"'],
  ['MobileNetV2', { freeze: '{first: [' }, 'USAGE', 'no freeze policy: "{first: ["'],
  ['MobileNetV2', { freeze: 'layers:' }, 'USAGE', 'no freeze policy: "layers:"'],
  ['MobileNetV2', { freeze: 'first:0' }, 'WRONG_VALUE', 'freeze.first is 0'],
  ['MobileNetV2', { size: 'big' }, 'USAGE', '--size takes a side or height x width, got "big"'],
  ['MobileNetV2', { alpha: 'wide' }, 'USAGE', '--alpha takes a number above 0, got "wide"'],
  [undefined, { freeze: 'all' }, 'USAGE', '--freeze is about one model, and none is named'],
  ['MobileNet2', {}, 'WRONG_VALUE', 'unknown base model "MobileNet2"'],
]

for (const [name, options, code, message] of refused) {
  test(`${name ?? 'no model'} ${JSON.stringify(options)} is refused`, async () => {
    await assert.rejects(printed(name, options), (error) => {
      assert.ok(error instanceof PipelineError)
      assert.deepEqual([error.diagnostics[0]!.code, error.diagnostics[0]!.message], [code, message])
      return true
    })
  })
}
