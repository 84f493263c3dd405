import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { explain } from '../../src/pipeline/explain.ts'
import { loadPipeline } from '../../src/pipeline/load.ts'
import { readNumbers } from '../../src/pipeline/numbers.ts'
import { pipelineText } from '../../src/pipeline/print.ts'
import type { Pipeline } from '../../src/pipeline/pipeline.ts'
import { alternatives, follow, SCHEMA } from '../../src/pipeline/schema.ts'
import type { Schema } from '../../src/pipeline/schema.ts'
import { fromData, toData } from '../../src/pipeline/tree.ts'
import validate from '../../src/pipeline/validator.js'
import { PipelineError } from '../../src/util/diagnostic.ts'

let folder = ''
before(() => void (folder = mkdtempSync(join(tmpdir(), 'graft-laws-'))))
after(() => rmSync(folder, { recursive: true }))

/** Some value that the schema allows, or now and then one that it does not. */
function value(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const real = follow(schema)
  const choices = alternatives(real).map((a) => one(a, depth))
  const junk = fc.oneof(
    fc.constant(null),
    fc.integer({ min: -3, max: 3 }),
    fc.double(),
    fc.string(),
    fc.constant([]),
    fc.constant({}),
    fc.boolean(),
    fc.constant('1/2'),
  )
  return fc.oneof({ weight: 40, arbitrary: fc.oneof(...choices) }, { weight: 1, arbitrary: junk })
}

const text = fc.oneof(
  fc.constantFrom('train', 'epoch', 'a.b', '', '1/2', 'https://x/y', 'a@1', 'a==1'),
  fc.string({ maxLength: 8 }),
)

function one(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema.examples && depth > 6) return fc.constantFrom(...schema.examples)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const { type } = schema
  if (type === undefined || type === 'string') return text
  switch (type) {
    case 'object': {
      const keys = Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, inner]) => [
          key,
          value(inner, depth + 1),
        ]),
      )
      const requiredKeys = (schema.required ?? []).filter((key) => key in keys)
      const record = fc.record(keys, { requiredKeys })
      const stray = fc.constantFrom('sead', 'namee', 'fraction')
      return fc.oneof(
        { weight: 19, arbitrary: record },
        { weight: 1, arbitrary: fc.tuple(record, stray).map(([r, key]) => ({ ...r, [key]: 1 })) },
      )
    }
    case 'array':
      return fc.array(schema.items ? value(schema.items, depth + 1) : fc.integer(), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(3, schema.minItems ?? 0),
      })
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.integer({ min: -1, max: 70000 })
    case 'number':
      return fc.oneof(fc.double({ min: -1, max: 2 }), fc.constantFrom(0, 1, Infinity))
  }
}

/** A valid file in which one block is drawn; now and then a file drawn whole. */
const VALID = {
  dataset: { source: { path: 'p' }, splits: { train: 't' } },
  baseModel: { name: 'MobileNetV2' },
}
const blocks = Object.entries(SCHEMA.properties!).map(([key, schema]) =>
  value(schema, 1).map((drawn) => ({ ...VALID, [key]: drawn })),
)
const documents = fc.oneof({ weight: 9, arbitrary: fc.oneof(...blocks) }, value(SCHEMA))

describe('the validators', () => {
  it('agree: the compiled one, ajv on the schema as it is, and the walk that finds the words', () => {
    const ajv = new Ajv({ strict: false, strictNumbers: true })
    const judge = ajv.compile(SCHEMA)
    let valid = 0
    fc.assert(
      fc.property(documents, (data) => {
        const tree = readNumbers(fromData(data, 'file'), () => undefined)
        const plain = toData(tree)
        const verdict = judge(plain)
        valid += verdict ? 1 : 0
        assert.equal(validate(plain), verdict)
        assert.equal(explain(tree).length === 0, verdict, JSON.stringify(plain))
      }),
      { numRuns: 1500 },
    )
    assert.ok(valid > 20 && valid < 1480, `${valid} of 1500 are valid: the test says little`)
  })
})

/** Valid settings, by dotted key, as YAML. */
const SETTINGS: readonly (readonly [
  key: string,
  value: fc.Arbitrary<string | number | boolean>,
])[] = [
  ['seed', fc.integer({ min: 0, max: 2 ** 31 })],
  ['notes', fc.string()],
  ['training.epochs', fc.integer({ min: 1, max: 1000 })],
  ['training.batchSize', fc.integer({ min: 1, max: 512 })],
  ['training.shuffle', fc.boolean()],
  ['training.lastBatch', fc.constantFrom('keep', 'drop')],
  ['optimizer.learningRate', fc.double({ min: 0, max: 1, noNaN: true })],
  ['optimizer.epsilon', fc.double({ min: 1e-12, max: 1, noNaN: true })],
  ['dataset.fit', fc.constantFrom('stretch', 'crop', 'pad')],
  ['dataset.root', fc.constantFrom('.', 'a', 'a/b c', '#x', "it's", '- y', '"', 'é\u2028')],
  ['evaluation.predictions', fc.boolean()],
  ['head.1.Dense.activation', fc.constantFrom('relu', 'tanh', 'linear')],
]

const overrides = fc
  .tuple(
    ...SETTINGS.map(([key, arbitrary]) =>
      fc.option(
        arbitrary.map((v) => [key, v] as const),
        { nil: undefined },
      ),
    ),
  )
  .map((list) => list.filter((entry) => entry !== undefined))

const BASE = `
dataset: {source: {path: pictures}, splits: {train: train, validation: validation}}
baseModel: {name: MobileNetV2}
head: [Flatten, {Dense: {units: 8}}, {Dropout: 1/3}, {Dense: {units: classes, activation: softmax}}]
optimizer: Adam
`

async function load(
  name: string,
  text: string,
  set: readonly string[] = [],
): Promise<{ pipeline: Pipeline; text: string }> {
  const file = join(folder, name)
  writeFileSync(file, text)
  const { pipeline, tree } = await loadPipeline(file, { env: {}, set, cwd: folder })
  return { pipeline, text: pipelineText(tree, { folder }) }
}

describe('laws of pipeline files', () => {
  it('a pipeline that is printed loads as the same pipeline, and prints the same', async () => {
    await fc.assert(
      fc.asyncProperty(overrides, async (entries) => {
        const set = entries.map(([key, v]) => `${key}=${JSON.stringify(v).replaceAll('$', '$$$$')}`)
        const first = await load('law.yaml', BASE, set)
        const second = await load('law.yaml', first.text)
        assert.deepEqual(second.pipeline, first.pipeline)
        assert.equal(second.text, first.text)
        for (const [key, v] of entries) {
          const found = key
            .split('.')
            .reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], first.pipeline)
          assert.equal(found, v)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('what a file extends and then says is what one file says', async () => {
    await fc.assert(
      fc.asyncProperty(overrides, async (entries) => {
        const nested: Record<string, unknown> = {}
        for (const [key, v] of entries) {
          if (!key.startsWith('head'))
            put(nested, key.split('.'), typeof v === 'string' ? v.replaceAll('$', '$$$$') : v)
        }
        writeFileSync(join(folder, 'base.yaml'), BASE)
        const apart = await load('whole.yaml', JSON.stringify({ extends: 'base.yaml', ...nested }))
        const set = entries
          .filter(([key]) => !key.startsWith('head'))
          .map(([key, v]) => `${key}=${JSON.stringify(v).replaceAll('$', '$$$$')}`)
        const { pipeline } = await load('whole.yaml', BASE, set)
        assert.deepEqual(apart.pipeline, pipeline)
      }),
      { numRuns: 40 },
    )
  })

  it('no text makes the loader throw anything but diagnostics', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({
          unit: fc.constantFrom(...'ab:[]{}&*<\n  -"\'#|>!%@?,$~0.é'.split('')),
          maxLength: 80,
        }),
        async (text) => {
          await load('any.yaml', `${BASE}${text}`).catch((error: unknown) => {
            assert.ok(
              error instanceof PipelineError,
              error instanceof Error ? error.stack : String(error),
            )
          })
        },
      ),
      { numRuns: 400 },
    )
  })
})

function put(
  object: Record<string, unknown>,
  [step, ...rest]: readonly string[],
  v: unknown,
): void {
  if (rest.length === 0) object[step!] = v
  else put((object[step!] ??= {}) as Record<string, unknown>, rest, v)
}
