// Compiles schemas/pipeline.schema.json into dist/src/pipeline/validator.js, so that `pipeline` starts without ajv.
// The compiled function only says yes or no (src/pipeline/explain.ts finds the words), so everything that ajv
// compiles for its messages is taken out: a fifth of the code is left to be read at each start.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'

const root = new URL('../', import.meta.url)

/** Annotations say nothing about validity. */
const ANNOTATIONS = [
  'title',
  'description',
  'default',
  'examples',
  '$comment',
  'patternErrorMessage',
]

/** Without annotations, and without fractions: the loader has turned them into numbers before it validates. */
function bare(schema) {
  if (Array.isArray(schema))
    return schema.filter((s) => s.$ref !== '#/definitions/fraction').map(bare)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).filter(([key, value]) => {
    return (
      !ANNOTATIONS.includes(key) ||
      (typeof value === 'object' && !Array.isArray(value) && isSchema(value))
    )
  })
  const copy = Object.fromEntries(entries.map(([key, value]) => [key, bare(value)]))
  return copy.anyOf?.length === 1 ? copy.anyOf[0] : copy
}

/** A property may be called `default` or `title`. */
function isSchema(value) {
  return ['type', '$ref', 'anyOf'].some((key) => key in value)
}

/** The source of the validator as an ES module with one default export. */
export function compileValidator() {
  const schema = JSON.parse(readFileSync(new URL('schemas/pipeline.schema.json', root), 'utf8'))
  // Annotations are checked too: strict mode refuses a misspelt keyword.
  const strict = new Ajv({ strict: true, strictRequired: false })
  strict.addKeyword('patternErrorMessage')
  strict.compile(schema)
  const ajv = new Ajv({
    strictRequired: false,
    messages: false,
    inlineRefs: false,
    code: { source: true, esm: true },
  })
  return withoutErrors(standaloneCode.default(ajv, ajv.compile(bare(schema))))
}

/** Error objects and the schema's own text out; what is left counts errors and returns. */
function withoutErrors(code) {
  const counted = code
    .replace(
      /const err\d+ = \{[^;]*?\};if\(vErrors === null\)\{vErrors = \[err\d+\];\}else \{vErrors\.push\(err\d+\);\}/g,
      '',
    )
    .replace(/validate\d+\.errors = (\[\{[^;]*?\}\]|vErrors);/g, '')
    .replace(
      /vErrors = vErrors === null \? validate\d+\.errors : vErrors\.concat\(validate\d+\.errors\);errors = vErrors\.length;/g,
      'errors++;',
    )
    .replace(
      /if\(vErrors !== null\)\{if\(_errs\d+\)\{vErrors\.length = _errs\d+;\}else \{vErrors = null;\}\}/g,
      '',
    )
    .replace(/let vErrors = null;/g, '')
    .replace(/, \{instancePath[:,][^{}]*\}\)/g, ')')
    .replace(
      /\(data, \{instancePath="", parentData, parentDataProperty, rootData=data\}=\{\}\)/g,
      '(data)',
    )
  const text = counted.replace(
    /const (schema\d+) = \{.*?\};(?=const |function )/g,
    (whole, name) => {
      return counted.split(`${name}.`).length > 1 ? whole : ''
    },
  )
  // A changed ajv would leave something behind, and the validator would break at its first refusal.
  const left = /.{0,60}(vErrors|instancePath).{0,60}/.exec(text)
  if (left) throw new Error(`ajv writes code that this script does not know: ${left[0]}`)
  return text
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = new URL('dist/src/pipeline/', root)
  mkdirSync(target, { recursive: true })
  writeFileSync(new URL('validator.js', target), compileValidator())
}
