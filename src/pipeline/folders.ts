import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Diagnostic } from '../util/diagnostic.ts'
import { isErrno } from '../util/files.ts'
import { byCodePoint } from '../util/json.ts'
import { didYouMean } from '../util/suggest.ts'
import { placed } from './short.ts'
import type { Node, ScalarNode } from './tree.ts'
import { find, fromData, placeOf, replace } from './tree.ts'

type Report = (diagnostic: Diagnostic) => void

/** `dataset: photos` written out as a source; its splits are found as for every local folder. */
export function writeDatasetOut(root: Node): Node {
  const node = find(root, ['dataset'])
  if (node?.kind !== 'scalar' || typeof node.value !== 'string' || node.value.trim() === '')
    return root
  const long = fromData({ source: { path: node.value } }, node.from, node.argument)
  return replace(root, ['dataset'], withWritten(placed(long, node), node))
}

function withWritten(long: Node, short: ScalarNode): Node {
  const path = find(long, ['source', 'path']) as ScalarNode
  return replace(long, ['source', 'path'], { ...path, written: short.written })
}

/** Where `splits` is not written and the source is a local folder: train, validation (or val) and test by name, else all is train. */
export async function findSplits(root: Node, report: Report): Promise<Node> {
  const source = find(root, ['dataset', 'source', 'path'])
  const dataset = find(root, ['dataset'])
  if (dataset?.kind !== 'map' || dataset.entries.has('splits')) return root
  const at = placeOf(root, ['dataset', 'source', 'path'])
  if (source?.kind !== 'scalar' || typeof source.value !== 'string') {
    if (dataset.entries.has('source')) report(missing(root, 'dataset needs the key "splits"'))
    return root
  }
  const below = find(root, ['dataset', 'root'])
  const folder = join(source.value, below?.kind === 'scalar' ? String(below.value) : '.')
  const layout = find(root, ['dataset', 'layout'])
  if (layout?.kind === 'map') {
    report(missing(root, 'dataset needs the key "splits" beside a csv'))
    return root
  }
  const folders = await foldersIn(folder)
  if (folders === undefined) {
    if (await isFile(folder))
      report(missing(root, 'dataset needs the key "splits": its source is no folder'))
    else report({ ...(await notThere(folder)), at })
    return root
  }
  const { usualSplits } = await import('../data/index-find.ts')
  const splits = usualSplits(folders.sort(byCodePoint))
  return replace(root, ['dataset', 'splits'], fromData(splits, 'default'))
}

/** Folders at the path, hidden ones left out; undefined where there is no folder. */
export async function foldersIn(path: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.filter((e) => e.isDirectory() && !e.name.startsWith('.')).map((e) => e.name)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined
    throw error
  }
}

async function isFile(path: string): Promise<boolean> {
  const beside = await readdir(dirname(path)).catch(() => [] as string[])
  return beside.includes(basename(path))
}

function missing(root: Node, message: string): Diagnostic {
  return {
    code: 'MISSING_KEY',
    message,
    at: placeOf(root, ['dataset']),
    hint: 'for instance splits: {train: ., validation: {from: train, fraction: 0.2}}',
  }
}

/** The nearest folder that is there, and what it holds. */
async function notThere(path: string): Promise<Diagnostic> {
  let parent = dirname(path)
  let step = basename(path)
  let beside = await foldersIn(parent)
  while (beside === undefined && dirname(parent) !== parent) {
    step = basename(parent)
    parent = dirname(parent)
    beside = await foldersIn(parent)
  }
  const guess = didYouMean(step, beside ?? [])
  const list = (beside ?? []).sort().slice(0, 10).join(', ')
  const hint = guess ?? (list === '' ? undefined : `${parent} holds ${list}`)
  return { code: 'NO_SUCH_FOLDER', message: `there is no folder ${path}`, hint }
}
