import type { FreezePolicy } from '../models/freeze.ts'
import { failure } from '../util/diagnostic.ts'

/**
 * A freeze policy as an option gives it: as in the pipeline file (`all`, `{first: 600}`), or short: `first:600`,
 * `upTo:NAME`, `layers:GLOB,GLOB`, `except:GLOB`. Throws USAGE for anything else.
 */
export async function parseFreeze(text: string): Promise<FreezePolicy> {
  const short = /^(first|upTo|layers|except)[:=]\s*([^[{]+)$/.exec(text)
  const globs = (list: string) => list.split(',').map((glob) => glob.trim())
  const value: unknown = short ? { [short[1]!]: scalar(short[2]!, short[1]!) } : await yaml(text)
  if (value === 'all' || value === 'none') return value
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const [key, given] = entries.length === 1 ? entries[0]! : []
  if (key === 'first' && typeof given === 'number') return { first: given }
  if (key === 'upTo' && typeof given === 'string') return { upTo: given }
  if (key === 'layers' || key === 'except') {
    const list: unknown = typeof given === 'string' ? globs(given) : given
    if (Array.isArray(list) && list.length > 0 && list.every((glob) => typeof glob === 'string')) {
      return key === 'layers' ? { layers: list } : { except: list }
    }
  }
  throw failure('USAGE', `no freeze policy: "${text}"`, {
    hint: 'all, none, first:600, upTo:block_11_add, layers:"block_1*,Conv1" or except:"block_1*"',
  })
}

function scalar(text: string, key: string): string | number {
  return key === 'first' && text.trim() !== '' ? Number(text) : text
}

async function yaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml')
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
