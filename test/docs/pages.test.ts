import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Ajv } from 'ajv'
import sharp from 'sharp'
import { parse } from 'yaml'
import { SCHEMA } from '../../src/pipeline/schema.ts'
import { ROOT } from '../support/paths.ts'

const DOCS = join(ROOT, 'docs')
/** Its examples are the schema's own, which test/pipeline/schema.test.ts checks. */
const GENERATED = 'pipeline-file.md'

/** What an example that shows a part of a pipeline file is laid over. */
const WHOLE = {
  dataset: { source: { path: 'pictures' }, splits: { train: 'train', validation: 'validation' } },
  baseModel: { name: 'MobileNetV2' },
  head: ['GlobalAveragePooling2D', { Dense: { units: 'classes', activation: 'softmax' } }],
}

const ajv = new Ajv({ strict: true, strictRequired: false, allErrors: true })
ajv.addKeyword('patternErrorMessage')
const isPipeline = ajv.compile(SCHEMA)

for (const name of readdirSync(DOCS).filter((file) => file.endsWith('.md'))) {
  describe(`docs/${name}`, () => {
    const page = readFileSync(join(DOCS, name), 'utf8')
    const examples = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map((match) => match[1]!)
    if (name !== GENERATED && examples.length > 0) {
      it(`has ${examples.length} examples, each a part of a pipeline file`, () => {
        for (const example of examples) {
          const part = parse(example) as object
          assert.ok(
            isPipeline({ ...WHOLE, ...part }),
            `${ajv.errorsText(isPipeline.errors)}\n${example}`,
          )
        }
      })
    }

    const files = [...page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!)
    if (files.length > 0) {
      it(`points to ${files.length} files that there are`, () => {
        for (const file of files) assert.ok(existsSync(join(DOCS, file)), file)
      })
    }
  })
}

describe('the pictures of docs/augmentation.md', () => {
  const script = new URL('scripts/augmentation-pictures.mjs', `file://${ROOT}/`).href
  type Made = { pictures(): Record<string, { data: Uint8Array; width: number; height: number }> }

  it('are what scripts/augmentation-pictures.mjs draws, and small', async () => {
    const made = ((await import(script)) as Made).pictures()
    const folder = join(DOCS, 'augmentation')
    assert.deepEqual(readdirSync(folder).sort(), Object.keys(made).sort())
    for (const [name, { data, width, height }] of Object.entries(made)) {
      const file = join(folder, name)
      assert.ok(statSync(file).size < 30_000)
      const kept = await sharp(file).raw().toBuffer({ resolveWithObject: true })
      assert.deepEqual([kept.info.width, kept.info.height], [width, height])
      assert.ok(kept.data.equals(data), `${name}: run the script`)
    }
  })
})

it('docs/augmentation.md has a row for every key of the schema, with its default', () => {
  const page = readFileSync(join(DOCS, 'augmentation.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (\S+)/gm)].map((row) => [row[1], row[2]])
  const keys = Object.entries(SCHEMA.definitions!['augmentation']!.properties!)
  const expected = keys.map(([key, { default: initial }]) => {
    const text = typeof initial === 'number' ? String(initial) : `\`${String(initial)}\``
    return [key, initial === undefined ? 'off' : text]
  })
  assert.deepEqual(rows, expected)
})
