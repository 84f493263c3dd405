// Writes src/pipeline/pipeline.generated.ts from schemas/pipeline.schema.json. `npm run generate`.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compile } from 'json-schema-to-typescript'

const root = new URL('../', import.meta.url)
export const TARGET = fileURLToPath(new URL('src/pipeline/pipeline.generated.ts', root))

/** The text of the generated file; the freshness test compares it with what is committed. */
export async function generateTypes() {
  const schema = JSON.parse(readFileSync(new URL('schemas/pipeline.schema.json', root), 'utf8'))
  return compile(schema, 'PipelineFile', {
    bannerComment:
      '// Generated from schemas/pipeline.schema.json by `npm run generate`. A pipeline file as people write it.',
    style: { semi: false, singleQuote: true, printWidth: 100 },
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, await generateTypes())
