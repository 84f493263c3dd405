import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { it } from 'node:test'
import { createProject } from './rig.ts'

/**
 * Packages and rooms of ours that compute: an unchanged run has no use for any of them. The graph of layers is built, since what
 * is kept of it decides the stages.
 */
const HEAVY = [
  /node_modules\/(?!commander\/|yaml\/|picocolors\/|ajv\/dist\/runtime\/|p-limit\/|yocto-queue\/)/,
  /dist\/src\/program\/(?!program\.|shapes\.)/,
  /dist\/src\/models\/lower/,
  /dist\/src\/training\/(fit|feeder|training-program|trunk|feature-pass|score|checkpoint|losses|augmented-source)/,
  /dist\/src\/engines\/(wasm|tensorflow|webgpu)\/(?!info|locate|hardware)/,
  /dist\/src\/runs\/recorder/,
  /dist\/src\/data\/(decode|pixels|resample)/,
]

/** Files that the process loaded, told by its coverage data. */
function loadedIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      result: { url: string }[]
    }
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'))
  })
}

it('an unchanged run loads little, starts no process and writes nothing', async () => {
  await using project = await createProject({ training: { epochs: 1 } })
  await project.run()
  const [bin, coverage] = [join(project.path, 'bin'), join(project.path, 'coverage')]
  mkdirSync(bin)
  writeFileSync(join(bin, 'git'), `#!/bin/sh\necho called > "${bin}/called"\n`)
  chmodSync(join(bin, 'git'), 0o755)
  const { code, stdout, stderr } = await project.pipeline(['run', 'pipeline.yaml'], {
    env: {
      NODE_V8_COVERAGE: coverage,
      PATH: `${bin}${delimiter}${project.env['PATH']}`,
    },
  })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /unchanged, from before/)
  assert.ok(!existsSync(join(bin, 'called')), 'git was asked')
  assert.equal(readdirSync(coverage).length, 1, 'there was one process')
  const loaded = loadedIn(coverage)
  assert.ok(loaded.length > 50)
  const heavy = loaded.filter((url) => HEAVY.some((pattern) => pattern.test(url)))
  assert.deepEqual(heavy, [])
})
