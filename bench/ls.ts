// How long `pipeline ls` takes over many runs: whole processes, warm file cache, alternating with an empty `node -e 0`.
// Runs are made as `pipeline run` writes them: a dozen stages, EPOCHS epochs, a resolved.yaml each. With `keep`, FOLDER
// (new, or made by an earlier call) holds them and stays.
// Run: node dist/bench/ls.js [RUNS=10000] [EPOCHS=30] [ROUNDS=5] [FOLDER]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeManyRuns } from '../test/support/many-runs.ts'

const [count = '10000', epochs = '30', rounds = '5', kept] = process.argv.slice(2)
const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url))
const root = kept ?? mkdtempSync(join(tmpdir(), 'graft-bench-'))
if (!existsSync(join(root, 'runs'))) {
  writeManyRuns(join(root, 'runs'), Number(count), { epochs: Number(epochs) })
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'node -e 0': ['-e', '0'],
  ls: [MAIN, 'ls'],
  'ls --json': [MAIN, 'ls', '--json'],
  'ls --filter --sort': [
    MAIN,
    'ls',
    '--filter',
    'accuracy > 0.9 and optimizer.learningRate = 0.001 and tag = x and name ~ fruits*',
    '--sort',
    '-accuracy',
  ],
  'ls --only-changed': [MAIN, 'ls', '--only-changed'],
  'show @-5000': [MAIN, 'show', '@-5000'],
  'show @best:test.accuracy': [MAIN, 'show', '@best:test.accuracy'],
}

/** Seconds of the whole process. */
function timed(args: readonly string[]): number {
  const began = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  })
  if (status !== 0) process.stdout.write(`${args.join(' ')}: ${status} ${stderr.slice(0, 300)}\n`)
  return (performance.now() - began) / 1000
}

const first = process.hrtime.bigint()
timed([MAIN, 'ls'])
process.stdout.write(
  `the first ls: ${(Number(process.hrtime.bigint() - first) / 1e9).toFixed(2)} s\n`,
)
const seconds = new Map(Object.keys(COMMANDS).map((name) => [name, [] as number[]]))
for (let round = 0; round < Number(rounds); round += 1) {
  for (const [name, args] of Object.entries(COMMANDS)) seconds.get(name)!.push(timed(args))
}
for (const [name, all] of seconds) {
  const sorted = all.toSorted((a, b) => a - b)
  const median = sorted[sorted.length >> 1]!
  process.stdout.write(
    `${name.padEnd(26)} median ${median.toFixed(2)} s, ${sorted[0]!.toFixed(2)} to ${sorted.at(-1)!.toFixed(2)}\n`,
  )
}
if (kept === undefined) rmSync(root, { recursive: true })
