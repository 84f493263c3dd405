/**
 * `pipeline diff` of two made-up runs as a whole process: node dist/bench/diff.js [PICTURES] [CLASSES] [ROUNDS]
 *
 * Both have evaluated PICTURES (50,000) of CLASSES (131); a twentieth of the answers differ. Once with the same list of
 * pictures, which is then not read, and once with lists that differ by a hundred pictures. Prints wall seconds, and processor seconds, which tell more on a machine that does other things too.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { stableNumber } from '../src/util/figures.ts'
import { makeRun, picture } from '../test/support/made-run.ts'

const [pictures = 50_000, classes = 131, rounds = 5] = process.argv.slice(2).map(Number)
const main = fileURLToPath(new URL('../src/main.js', import.meta.url))
/** Says at the end how much processor time the process took. */
const usage = "process.on('exit', () => console.error(JSON.stringify(process.cpuUsage())))"
const names = Array.from({ length: classes }, (_, i) => `Class ${String(i).padStart(3, '0')}`)

/** A fraction in [0, 1) of two numbers. */
function draw(i: number, j: number): number {
  let x = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(j + 1, 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d)
  return ((x ^ (x >>> 13)) >>> 0) / 2 ** 32
}

function line(i: number, salt: number, image: string) {
  const label = i % classes
  const best = draw(i, salt) < 0.9 ? label : (label + 1) % classes
  const probabilities = names.map((_, c) =>
    stableNumber((c === best ? 0.5 : 0.49 / classes) + draw(i, c) * 1e-3),
  )
  const [truth, predicted] = [names[label]!, names[best]!]
  const [probability, loss] = [probabilities[best]!, stableNumber(-Math.log(probabilities[label]!))]
  return { split: 'test', image, label: truth, predicted, probability, loss, probabilities }
}

function made(root: string, id: string, salt: number, from: number): void {
  const numbers = Array.from({ length: pictures }, (_, i) => i + from)
  const path = (i: number) => `Test/${names[i % classes]!}/${i}_100.jpg`
  const predictions = numbers.map((i) => line(i, i % 20 === 0 ? salt : 0, path(i)))
  const right = predictions.filter(({ label, predicted }) => label === predicted).length
  makeRun(root, {
    id,
    config: { seed: salt, training: { epochs: 5 } },
    index: numbers.map((i) => picture(path(i), names[i % classes]!)),
    predictions,
    record: { classes: names, metrics: { test: { accuracy: stableNumber(right / pictures) } } },
  })
}

function shown(seconds: readonly number[]): string {
  const sorted = seconds.toSorted((a, b) => a - b).map((s) => s.toFixed(2))
  return `${sorted[Math.floor(rounds / 2)]} s (${sorted[0]} to ${sorted.at(-1)})`
}

const root = mkdtempSync(join(tmpdir(), 'graft-bench-'))
try {
  made(root, '20261124-100000-aaaaaa', 1, 0)
  made(root, '20261124-100001-bbbbbb', 2, 0)
  made(root, '20261124-100002-cccccc', 3, 100)
  for (const [what, other] of [
    ['the same pictures', 'bbbbbb'],
    ['other pictures', 'cccccc'],
  ] as const) {
    const [seconds, used]: [number[], number[]] = [[], []]
    for (let round = 0; round < rounds; round += 1) {
      const began = performance.now()
      const words = ['--import', `data:text/javascript,${usage}`, main, 'diff', 'aaaaaa', other]
      const { stdout, stderr } = await execa(process.execPath, [...words, '--runs', root])
      seconds.push((performance.now() - began) / 1000)
      const { user, system } = JSON.parse(stderr) as NodeJS.CpuUsage
      used.push((user + system) / 1e6)
      if (round === 0) console.log(stdout.split('\n').slice(3, 6).join(' '))
    }
    console.log(`${what}: wall ${shown(seconds)}, processor ${shown(used)}`)
  }
} finally {
  rmSync(root, { recursive: true })
}
