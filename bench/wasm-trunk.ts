/**
 * Pictures a second of the wasm engine on a base model's trunk with random weights, from uint8 pixels to pooled
 * features, and the memory of all its processes:
 *
 *   node dist/bench/wasm-trunk.js [model=EfficientNetLite0] [batch=8] [processes=1] [pictures=160]
 */
import { readFileSync } from 'node:fs'
import { openWasm } from '../src/engines/wasm/engine.ts'
import { sizeOf } from '../src/program/program.ts'
import { childrenOf } from '../test/support/processes.ts'
import { trunkProgram } from './trunk-program.ts'

const [model = 'EfficientNetLite0', ...numbers] = process.argv.slice(2)
const [batch = 8, processes = 1, pictures = 160] = numbers.map(Number)
const program = trunkProgram(model, batch)
const engine = await openWasm()
const session = await engine.compile(program, { concurrency: processes })
const size = sizeOf(program.entries.infer!.feeds.pixels!.shape)
const pixels = new Uint8Array(size).map((_, i) => (i * 31) % 251)

/** Pictures a second over `count` pictures, with as many runs in flight as there are processes. */
const pass = async (count: number): Promise<number> => {
  const runs = Math.ceil(count / batch)
  let left = runs
  const begin = performance.now()
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await session.run('infer', { pixels })
    }
  }
  await Promise.all(Array.from({ length: session.concurrency }, lane))
  return (runs * batch * 1000) / (performance.now() - begin)
}

await pass(Math.max(16, batch * processes * 2))
const rates = [await pass(pictures), await pass(pictures), await pass(pictures)]
const [, median] = rates.toSorted((a, b) => a - b)
console.log(
  `${model}, batch ${batch}, ${session.concurrency} process(es): ${median!.toFixed(1)} pictures/s`,
  `(${rates.map((r) => r.toFixed(1)).join(', ')}); peak MiB: ${await peaks()}`,
)
await engine.close()

/** Peak resident memory of this process and its children, where Linux tells it. */
async function peaks(): Promise<string> {
  const peak = (pid: number): string => {
    try {
      const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
      return String(Math.round(Number(kilobytes![1]) / 1024))
    } catch {
      return '?'
    }
  }
  return [process.pid, ...(await childrenOf(process.pid))].map(peak).join(' + ')
}
