import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The folder of the Python scripts, from dist/bench/support. */
const SCRIPTS = fileURLToPath(new URL('../../../bench/', import.meta.url))

/** A Python process that stays warm and answers one JSON line for each JSON line asked. */
export interface Python {
  ask<Answer>(question: Readonly<Record<string, unknown>>): Promise<Answer>
  close(): Promise<void>
}

/** `GRAFT_BENCH_PYTHON`, a Python that has what the scripts import; throws where it is not set. */
export function pythonCommand(): string {
  const command = process.env['GRAFT_BENCH_PYTHON']
  if (!command) throw new Error('set GRAFT_BENCH_PYTHON to a Python with tensorflow and keras')
  return command
}

/** The environment of the Python side: quiet, on the CPU, nothing else changed. */
export const PYTHON_ENV = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '-1' }

/** Path of a script beside bench/README.md. */
export function script(name: string): string {
  return `${SCRIPTS}${name}`
}

/** `env` is for what TensorFlow reads when it starts. */
export function startPython(name: string, env: Readonly<Record<string, string>> = {}): Python {
  const child = spawn(pythonCommand(), ['-u', script(name)], {
    env: { ...PYTHON_ENV, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // Its warnings are of interest only where it fails.
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4000)))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    async ask<Answer>(question: Readonly<Record<string, unknown>>) {
      child.stdin.write(`${JSON.stringify(question)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${name} ended: ${said}`)
      return JSON.parse(value as string) as Answer
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}
