import { access } from 'node:fs/promises'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SCHEMA_FILE } from '../pipeline/schema.ts'
import { failure } from '../util/diagnostic.ts'
import { writeFileAtomic } from '../util/files.ts'
import type { CommandRun } from './command.ts'
import { lookAtFolder } from './init/look.ts'
import { writePipeline } from './init/write.ts'

/** `pipeline init [FILE] --from FOLDER`: a commented pipeline file, to read through and run. */
export const run: CommandRun = async ([given], options, { stdout, cwd }) => {
  const from = options['from'] as string | undefined
  const folder = from === undefined ? undefined : resolve(cwd, from)
  const seen = folder === undefined ? undefined : await lookAtFolder(folder)
  const name = folder === undefined ? 'pipeline' : basename(folder)
  const file = resolve(cwd, given ?? `${name}.yaml`)
  if (!options['force'] && (await exists(file))) {
    const shown = relative(cwd, file)
    throw failure('USAGE', `${shown} is there already`, {
      hint: 'give another name, or --force to overwrite it',
    })
  }
  const beside = (path: string): string => relative(dirname(file), path).split(sep).join('/') || '.'
  const text = writePipeline({
    schema: beside(fileURLToPath(SCHEMA_FILE)),
    name: basename(file).replace(/\.ya?ml$/, ''),
    folder: folder === undefined ? undefined : beside(folder),
    seen,
  })
  await writeFileAtomic(file, text)
  const shown = relative(cwd, file)
  stdout.write(
    `${shown} is written. Next:\n  pipeline validate ${shown}\n  pipeline run ${shown}\n`,
  )
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
