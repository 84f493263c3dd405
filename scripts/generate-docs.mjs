// Writes docs/pipeline-file.md from schemas/pipeline.schema.json. `npm run generate`, after `npm run build`.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { stringify } from 'yaml'
import { NOT_YET } from '../dist/src/pipeline/not-yet.js'

const root = new URL('../', import.meta.url)
const schema = JSON.parse(readFileSync(new URL('schemas/pipeline.schema.json', root), 'utf8'))
const TARGET = new URL('docs/pipeline-file.md', root)

const follow = (s) =>
  s.$ref ? follow(schema.definitions[s.$ref.replace('#/definitions/', '')]) : s
const alternatives = (s) =>
  (follow(s).anyOf ?? [s]).flatMap((a) => (follow(a).anyOf ? alternatives(a) : [follow(a)]))
const words = (s) =>
  alternatives(s).flatMap((a) => a.enum ?? (a.const === undefined ? [] : [a.const]))

/** One line of YAML. */
function flow(value) {
  return stringify(value, {
    collectionStyle: 'flow',
    lineWidth: 0,
    flowCollectionPadding: false,
  }).trim()
}

function code(text) {
  return `\`${text}\``
}

/** Rows of a table, by dotted key; a key that several alternatives have is told once. */
function rows(block, path, out) {
  for (const alternative of alternatives(block)) {
    if (alternative.items && path.split('.').length < 4) {
      const item = follow(alternative.items)
      if (alternatives(item).some((a) => a.properties)) rows(item, `${path}[]`, out)
    }
    const tag = tagOf(block, alternative)
    const tagWords = tag ? words(alternative.properties[tag]) : []
    for (const [key, property] of Object.entries(alternative.properties ?? {})) {
      const real = follow(property)
      const dotted = `${path}.${key}`
      const known = out.get(dotted)
      const of = key === tag ? [] : tagWords
      if (known) {
        known.of.push(...of)
        known.defaults.push([real.default, of])
        known.values.push(...words(property))
        continue
      }
      out.set(dotted, {
        real,
        of: [...of],
        values: words(property),
        defaults: [[real.default, of]],
      })
      rows(property, dotted, out)
    }
  }
}

/** The key whose value tells this alternative from the others. */
function tagOf(block, alternative) {
  const [tag] = alternative.required ?? []
  const others = alternatives(block).filter((a) => a.type === 'object' && a.required?.[0] === tag)
  return others.length > 1 && words(alternative.properties[tag]).length > 0 ? tag : undefined
}

/** The default; where it depends on the alternative, each with the names it is for. */
function presetOf(defaults) {
  const names = new Map()
  for (const [initial, of] of defaults) {
    if (initial === undefined) continue
    const text = code(flow(initial))
    names.set(text, [...(names.get(text) ?? []), ...of])
  }
  if (names.size === 0) return ''
  const single = names.size === 1 && defaults.every(([initial]) => initial !== undefined)
  const parts = [...names].map(([text, of]) =>
    single || of.length === 0 ? text : `${text} (${of.join(', ')})`,
  )
  return ` Default: ${parts.join(', ')}.`
}

function isNotYet(dotted) {
  const steps = dotted.replaceAll('[]', '.*').split('.')
  return NOT_YET.some(
    ({ path, when }) =>
      !when && path.length <= steps.length && path.every((s, i) => s === '*' || s === steps[i]),
  )
}

/** A list of the keys below, each with what it means and what may stand there. */
function keys(name, property) {
  const out = new Map()
  rows(property, name, out)
  const count = alternatives(property).filter((a) => a.type === 'object').length
  return [...out]
    .map(([dotted, { real, of, values, defaults }]) => {
      const some = [...new Set(of)]
      const only = some.length > 0 && some.length < count + 1 ? ` (${some.join(', ')})` : ''
      const list = [...new Set(values)]
      const oneOf = list.length > 1 ? ` One of ${list.map(code).join(', ')}.` : ''
      const example = list.length > 1 ? '' : ` For instance ${code(flow(real.examples[0]))}.`
      const preset = presetOf(defaults)
      const later = isNotYet(dotted) && !isNotYet(name) ? ' _Not in this version._' : ''
      const shown = dotted.slice(name.length).replace(/^(\[\])?\./, '')
      return `- ${code(shown)}${only}: ${real.description}${oneOf}${example}${preset}${later}\n`
    })
    .join('')
}

function section([name, property]) {
  const real = follow(property)
  const initial = real.default === undefined ? '' : ` Default: ${code(flow(real.default))}.`
  const later = isNotYet(name) ? '\n\n_Not in this version: a file that has it is told so._' : ''
  const samples = real.examples.map((value) =>
    stringify({ [name]: value }, { lineWidth: 100, flowCollectionPadding: false }).trim(),
  )
  return `## ${name}\n\n${real.description}${initial}${later}\n\n\`\`\`yaml\n${samples.join('\n# or\n')}\n\`\`\`\n\n${keys(name, property)}`
}

const INTRODUCTION = `<!-- Made from schemas/pipeline.schema.json by \`npm run generate\`. -->

# The pipeline file

One YAML 1.2 file says what is trained on what. \`pipeline validate FILE\` tells everything that is wrong with it,
\`pipeline config FILE\` prints it with every short form written out and every default filled (\`--origin\` says where
each value comes from). Names of models, layers, losses, optimizers and metrics are Keras'; keys are camelCase; unknown
keys are errors.

- **Numbers** may be fractions: \`1/255\`.
- **Paths** are relative to the file that names them (in \`--set\`: to the current directory).
- **Variables** stand in text values: \`\${VAR}\` (must be set), \`\${VAR:-default}\`, \`\${VAR:?message}\`; \`$$\` is a dollar sign.
- **Anchors, aliases and merge keys** (\`<<\`) work as in YAML.
- **\`extends: common.yaml\`** lays this file over another one: maps are merged, lists replace, \`null\` deletes.
- **\`--set training.epochs=3\`** changes a key for one call; \`--set +training.classWeight.cat=2\` adds one whose name
  is free; \`--set "~notes"\` deletes one. Values are YAML.

Editors check the file as you type with this first line, which \`pipeline init\` writes:

\`\`\`yaml
# yaml-language-server: $schema=pipeline.schema.json
\`\`\`

(\`pipeline schema > pipeline.schema.json\` writes the schema.)
`

/** The whole page. */
export async function generateDocs() {
  const later = NOT_YET.filter((row) => row.when).map(
    ({ path, what }) => `- ${code(path.join('.').replaceAll('.*', '[]'))}: ${what}`,
  )
  const text = [
    INTRODUCTION,
    ...Object.entries(schema.properties).map(section),
    '## Not in this version\n\nThe file may name these, and is told that they are not done yet:\n',
    ...later,
  ].join('\n')
  return format(text, { parser: 'markdown', printWidth: 120 })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, await generateDocs())
