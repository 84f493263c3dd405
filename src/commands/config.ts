import { dirname } from 'node:path'
import { runFinder } from './pipeline-file.ts'
import { loadFile } from '../pipeline/load.ts'
import type { Origin } from '../pipeline/load.ts'
import { relativePaths } from '../pipeline/paths.ts'
import { pipelineText } from '../pipeline/print.ts'
import type { Node } from '../pipeline/tree.ts'
import { scalars, toData } from '../pipeline/tree.ts'
import type { CommandRun } from './command.ts'

/** `pipeline config FILE`: the resolved file, as one that stands beside FILE. */
export const run: CommandRun = async ([file], options, { stdout, env, cwd, report }) => {
  const set = options['set'] as string[] | undefined
  const loaded = await loadFile(file!, { set, env, cwd, findRun: runFinder({}, { env, cwd }) })
  const folder = dirname(loaded.file)
  const origin = options['origin'] === true
  if (loaded.warnings.length > 0) report(loaded.warnings)
  if (!options['json']) {
    stdout.write(pipelineText(loaded.tree, { folder, origin }))
    return
  }
  const pipeline = toData(relativePaths(loaded.tree, folder))
  const document = origin ? { pipeline, origin: origins(loaded.tree, loaded.origin) } : pipeline
  stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}

/** Of every value (not of maps and lists), by dotted path. */
function origins(tree: Node, origin: (path: string) => Origin): Record<string, Origin> {
  const result: Record<string, Origin> = {}
  for (const [, path] of scalars(tree)) result[path.join('.')] = origin(path.join('.'))
  return result
}
