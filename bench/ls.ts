// How long lists of many runs take: whole processes, warm file cache, in turn with an empty `node -e 0`; by the clock and
// in CPU time, which a busy machine does not stretch as much. Runs are made as `pipeline run` writes them: a dozen stages,
// EPOCHS epochs, a resolved.yaml each. FOLDER (new, or made by an earlier call) holds them and stays.
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

/** Writes the process's CPU time, in microseconds, as the last line of stderr. */
const TELL = `data:text/javascript,${encodeURIComponent(`
import { writeSync } from 'node:fs'
process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  writeSync(2, '\\n' + (user + system))
})`)}`

interface Cost {
  readonly clock: number
  readonly cpu: number
}

/** Seconds of the whole process. */
function timed(args: readonly string[]): Cost {
  const began = performance.now()
  const { status, stderr } = spawnSync(process.execPath, ['--import', TELL, ...args], {
    cwd: root,
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  })
  const clock = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`${args.join(' ')}: ${status} ${stderr}`)
  return { clock, cpu: Number(stderr.slice(stderr.lastIndexOf('\n') + 1)) / 1e6 }
}

function median(values: readonly number[]): string {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!.toFixed(2)
}

for (const what of ['ls', 'ls --only-changed']) {
  const { clock, cpu } = timed(COMMANDS[what]!)
  process.stdout.write(`the first ${what}: ${clock.toFixed(2)} s, ${cpu.toFixed(2)} s of CPU\n`)
}
const costs = new Map(Object.keys(COMMANDS).map((name) => [name, [] as Cost[]]))
for (let round = 0; round < Number(rounds); round += 1) {
  for (const [name, args] of Object.entries(COMMANDS)) costs.get(name)!.push(timed(args))
}
for (const [name, all] of costs) {
  const clocks = all.map(({ clock }) => clock)
  const range = `${Math.min(...clocks).toFixed(2)} to ${Math.max(...clocks).toFixed(2)}`
  const cpu = median(all.map((cost) => cost.cpu))
  process.stdout.write(`${name.padEnd(26)} ${median(clocks)} s (${range}), ${cpu} s of CPU\n`)
}
if (kept === undefined) rmSync(root, { recursive: true })
