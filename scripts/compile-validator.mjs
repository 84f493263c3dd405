// Compiles schemas/pipeline.schema.json into dist/src/pipeline/validator.js, so that `pipeline` starts without ajv.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'

const root = new URL('../', import.meta.url)
const schema = JSON.parse(readFileSync(new URL('schemas/pipeline.schema.json', root), 'utf8'))
const ajv = new Ajv({
  strict: true,
  strictRequired: false,
  messages: false,
  inlineRefs: false,
  code: { source: true, esm: true },
})
ajv.addKeyword('patternErrorMessage')
const code = standaloneCode.default(ajv, ajv.compile(schema))
mkdirSync(new URL('dist/src/pipeline/', root), { recursive: true })
writeFileSync(new URL('dist/src/pipeline/validator.js', root), code)
