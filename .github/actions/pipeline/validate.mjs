import { spawnSync } from 'node:child_process'
import { baseCommit, changedFiles, command, step } from './change.mjs'

/** `pipeline validate` of what was changed; on GitHub it writes an annotation at each line that is wrong. */
await step(() => {
  const pathspecs = (process.env.FILES ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const files = pathspecs.length === 0 ? [] : changedFiles(baseCommit(), pathspecs)
  if (files.length === 0) {
    console.log('no pipeline file was changed')
    return 0
  }
  const strict = process.env.STRICT === 'true' ? ['--strict'] : []
  const [program, ...words] = command()
  const { status, error } = spawnSync(program, [...words, 'validate', ...strict, '--', ...files], {
    stdio: 'inherit',
  })
  if (error) throw error
  return status ?? 1
})
