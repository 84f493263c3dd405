// A reporter of node:test: counts the tests that passed on each engine, told by the name of the test or of a suite
// around it (`contract of tensorflow`, `MobileNetV2 on wasm`).
export default async function* engineCounts(source) {
  const counts = { tensorflow: 0, webgpu: 0, wasm: 0, others: 0 }
  // The events of one file come one after another, whichever modules its tests are written in.
  const around = []
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      around.length = data.nesting
      around[data.nesting] = data.name
    }
    if (type !== 'test:pass' || data.details?.type === 'suite' || data.skip) continue
    const words = [...around.slice(0, data.nesting), data.name].join(' ')
    const engine = ['tensorflow', 'webgpu', 'wasm'].find((name) =>
      new RegExp(`(of|on) ${name}\\b|\\[${name}\\]`).test(words),
    )
    counts[engine ?? 'others'] += 1
  }
  yield JSON.stringify(counts)
}
