import { openTensorflow } from '../../src/engines/tensorflow/open.ts'
import { loadTensorflow } from '../../src/engines/tensorflow/library.ts'
import { locateTensorflow } from '../../src/engines/tensorflow/locate.ts'
import { Builder } from '../../src/program/builder.ts'

/** Ends in the way that argv[2] names, with a long run under way where it says so. */
const mode = process.argv[2]
if (mode === 'loaded') {
  loadTensorflow(locateTensorflow()!)
} else {
  const engine = await openTensorflow({ device: 'cpu' })
  const b = new Builder()
  let y = b.input('x', [600, 600])
  for (let i = 0; i < 60; i += 1) y = b.matMul(y, y)
  b.entry('e', { fetches: { y }, updates: [] })
  const session = await engine.compile(b.program())
  const feeds = { x: new Float32Array(360_000) }
  await session.run('e', feeds)
  const running = session.run('e', feeds)
  if (mode === 'exit') process.exit(0)
  if (mode === 'throw') {
    setImmediate(() => {
      throw new Error('in the middle')
    })
  }
  await running
  if (mode === 'close') await engine.close()
}
