/**
 * Pictures a second of the wasm engine on EfficientNet-Lite0's trunk (random weights, batch norm folded), from
 * uint8 pixels to 1,280 pooled features:
 *
 *   node dist/bench/wasm-trunk.js [batch=8] [processes=1] [pictures=160]
 */
import { openWasm } from '../src/engines/wasm/engine.ts'
import { liteTrunk } from './lite-trunk.ts'

const [batch = 8, processes = 1, pictures = 160] = process.argv.slice(2).map(Number)
const engine = await openWasm({})
const session = await engine.compile(liteTrunk(batch), { concurrency: processes })
const pixels = new Uint8Array(batch * 224 * 224 * 3).map((_, i) => (i * 31) % 251)
const pass = async (count: number): Promise<number> => {
  const begin = performance.now()
  let left = Math.ceil(count / batch)
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await session.run('infer', { pixels })
    }
  }
  await Promise.all(Array.from({ length: session.concurrency }, lane))
  return (Math.ceil(count / batch) * batch * 1000) / (performance.now() - begin)
}
await pass(batch * processes * 4)
const rates = [await pass(pictures), await pass(pictures), await pass(pictures)]
const [, median] = rates.sort((a, b) => a - b)
console.log(
  `batch ${batch}, ${session.concurrency} process(es): ${median!.toFixed(1)} pictures/s`,
  `(${rates.map((r) => r.toFixed(1)).join(', ')}); parent's peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`,
)
await engine.close()
