import type { Values } from '../pipeline/sweep-block.ts'
import { canonicalJson, type Json } from '../util/json.ts'

/** The command that runs one trial of a sweep by itself, for a shell; `set`: what else the sweep was run with. */
export function repeatCommand(
  program: string,
  file: string,
  parameters: Values,
  set: readonly string[] = [],
): string {
  const given = set.map((flag) => ` --set ${quoted(flag)}`)
  return `${program} run ${quoted(file)} --set "~sweep"${[...given, ...Object.entries(parameters).map(setFlag)].join('')}`
}

function setFlag([key, value]: [string, Json]): string {
  // Text that YAML reads as text: no number, no word of its own.
  const isText = typeof value === 'string' && PLAIN.test(value) && !WORDS.test(value)
  return ` --set ${quoted(`${key}=${isText ? value : canonicalJson(value)}`)}`
}

const PLAIN = /^[A-Za-z][A-Za-z0-9._/-]*$/
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i

function quoted(word: string): string {
  return /^[A-Za-z0-9._+=/:~-]+$/.test(word) && !word.startsWith('~')
    ? word
    : `'${word.replaceAll("'", "'\\''")}'`
}
