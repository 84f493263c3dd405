import { openWebgpu } from '../../src/engines/webgpu/engine.ts'
import { Builder } from '../../src/program/builder.ts'

/** How a process that has used WebGPU ends; argv[2] says how far it goes. */
const mode = process.argv[2]
const engine = await openWebgpu()
const b = new Builder()
const x = b.input('x', [400, 400])
let y = x
for (let i = 0; i < 20; i += 1) y = b.matMul(y, x)
b.entry('e', { fetches: { y }, updates: [] })
const session = await engine.compile(b.program())
const feeds = { x: new Float32Array(160_000) }
const run = session.run('e', feeds)
if (mode === 'exit') process.exit(0)
if (mode === 'throw') throw new Error('thrown in the middle of a run')
await run
if (mode === 'garbage') {
  // Whoever keeps the engine alone, and not what it was made from, can go on.
  for (let i = 0; i < 3; i += 1) {
    ;(globalThis as unknown as { gc(): void }).gc()
    await session.run('e', feeds)
  }
}
if (mode === 'close') await engine.close()
