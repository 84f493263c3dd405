import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Ajv } from 'ajv'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { alternatives, SCHEMA, words } from '../../src/pipeline/schema.ts'
import type { Schema } from '../../src/pipeline/schema.ts'
import { OPTIMIZERS } from '../../src/training/optimizers.ts'
import { ROOT } from '../support/paths.ts'

/** Every schema below one, with a path to name it by. */
function* all(schema: Schema, path: string): Generator<[Schema, string]> {
  yield [schema, path]
  for (const [name, inner] of Object.entries(schema.definitions ?? {}))
    yield* all(inner, `#${name}`)
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    yield* all(inner, `${path}.${name}`)
  for (const [i, inner] of (schema.anyOf ?? []).entries()) yield* all(inner, `${path}|${i}`)
  if (schema.items) yield* all(schema.items, `${path}[]`)
  if (schema.additionalProperties) yield* all(schema.additionalProperties, `${path}.*`)
}

function validator(): Ajv {
  const ajv = new Ajv({ strict: true, strictRequired: false, allErrors: true })
  ajv.addKeyword('patternErrorMessage')
  return ajv
}

describe('pipeline.schema.json', () => {
  const schemas = [...all(SCHEMA, '')]
  const followed = (schema: Schema): Schema =>
    schema.$ref ? SCHEMA.definitions![schema.$ref.replace('#/definitions/', '')]! : schema

  it('describes every key, with examples that it allows itself, and a default that it allows', () => {
    const ajv = validator()
    ajv.addSchema({ $id: 'pipeline', definitions: SCHEMA.definitions })
    for (const [schema, path] of schemas) {
      for (const [key, property] of Object.entries(schema.properties ?? {})) {
        const { description, examples, default: initial } = followed(property)
        const where = `${path}.${key}`
        assert.ok(description && description.length > 4, `${where} has no description`)
        assert.ok(examples && examples.length > 0, `${where} has no example`)
        const text = JSON.stringify(property).replaceAll('#/definitions/', 'pipeline#/definitions/')
        const check = ajv.compile(JSON.parse(text) as object)
        for (const value of [...examples, ...(initial === undefined ? [] : [initial])]) {
          assert.ok(
            check(value),
            `${where} refuses ${JSON.stringify(value)}: ${ajv.errorsText(check.errors)}`,
          )
        }
      }
    }
  })

  it('refuses unknown keys in every map that has keys', () => {
    for (const [schema, path] of schemas) {
      if (schema.properties) assert.equal(schema.additionalProperties, false, path)
    }
  })

  it('uses only what the loader understands', () => {
    const known = new Set(
      (
        '$schema $id $ref $comment title description default examples definitions type enum const anyOf properties additionalProperties ' +
        'required minProperties items minItems maxItems uniqueItems pattern patternErrorMessage minimum maximum exclusiveMinimum exclusiveMaximum'
      ).split(' '),
    )
    for (const [schema, path] of schemas) {
      for (const keyword of Object.keys(schema))
        assert.ok(known.has(keyword), `${path}: ${keyword}`)
      if (schema.pattern && schema.title !== 'Fraction') assert.ok(schema.patternErrorMessage, path)
    }
  })

  it('tells the alternatives of a union apart by one key', () => {
    for (const [schema, path] of schemas) {
      const maps = schema.anyOf ? alternatives(schema).filter((a) => a.type === 'object') : []
      if (maps.length < 2) continue
      const tags = maps.map((map) => {
        const key = map.required?.[0]
        assert.ok(key, `${path}: an alternative without a required key`)
        return `${key}: ${words(map.properties![key]!).join()}`
      })
      assert.equal(new Set(tags).size, tags.length, `${path}: ${tags.join(' and ')}`)
    }
  })

  it('has no pattern that a long text could hang', () => {
    const texts = ['a', '0', '/', '.', ' ', 'a@', 'https://', '-'].map((unit) =>
      unit.repeat(100_000 / unit.length),
    )
    for (const [{ pattern }, path] of schemas) {
      if (pattern === undefined) continue
      const expression = new RegExp(pattern, 'u')
      for (const text of [...texts, ...texts.map((t) => `${t}!`)]) {
        const began = performance.now()
        expression.test(text)
        assert.ok(performance.now() - began < 200, `${path}: ${pattern} on ${text.slice(0, 8)}...`)
      }
    }
  })

  it('names the base models of the catalogue in their order, and every optimizer with its arguments', () => {
    const names = words(SCHEMA.definitions!['baseModel']!.anyOf![0]!.properties!['name']!)
    assert.deepEqual(
      names,
      BASE_MODELS.map(({ name }) => name),
    )
    for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
      const branch = alternatives(SCHEMA.definitions!['optimizer']!).find(
        (a) => a.type === 'object' && words(a.properties!['name']!).includes(name),
      )
      assert.ok(branch, name)
      for (const [argument, { default: initial }] of Object.entries(optimizer.arguments)) {
        const property: Schema | undefined = branch.properties![argument]
        assert.ok(property, `${name}.${argument}`)
        assert.equal(followed(property).default, initial, `${name}.${argument}`)
      }
    }
  })
})

describe('generated files', () => {
  it('are fresh: run `npm run generate`', async () => {
    const script = (name: string) =>
      import(new URL(name, `file://${ROOT}/scripts/`).href) as Promise<
        Record<string, () => Promise<string> | string>
      >
    const types = await script('generate-types.mjs')
    const committed = readFileSync(join(ROOT, 'src/pipeline/pipeline.generated.ts'), 'utf8')
    assert.equal(committed, await types['generateTypes']!())
    const docs = await script('generate-docs.mjs')
    assert.equal(
      readFileSync(join(ROOT, 'docs/pipeline-file.md'), 'utf8'),
      await docs['generateDocs']!(),
    )
    const compiled = await script('compile-validator.mjs')
    const built = readFileSync(join(ROOT, 'dist/src/pipeline/validator.js'), 'utf8')
    assert.equal(built, await compiled['compileValidator']!(), 'run `npm run build`')
  })
})

describe('docs/errors.md', () => {
  it('has one row for each code', () => {
    const union = readFileSync(join(ROOT, 'src/util/diagnostic.ts'), 'utf8').split(
      'export interface',
    )[0]!
    const codes = [...union.matchAll(/\| '([A-Z_]+)'/g)].map((match) => match[1])
    const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` *\|/gm)].map((match) => match[1])
    assert.ok(codes.length > 30)
    assert.deepEqual(rows, codes)
  })
})
