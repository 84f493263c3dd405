// A reporter of node:test: counts the tests that passed on each engine, told by the name of the test or of a suite
// around it (`contract of tensorflow`, `MobileNetV2 on wasm`).
export default async function* engineCounts(source) {
  const counts = { tensorflow: 0, wasm: 0, others: 0 }
  const names = new Map()
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      const stack = names.get(data.file) ?? []
      stack.length = data.nesting
      stack[data.nesting] = data.name
      names.set(data.file, stack)
    }
    if (type !== 'test:pass' || data.details?.type === 'suite' || data.skip) continue
    const around = [...(names.get(data.file) ?? []).slice(0, data.nesting), data.name].join(' ')
    const engine = ['tensorflow', 'wasm'].find((name) =>
      new RegExp(`(of|on) ${name}\\b|\\[${name}\\]`).test(around),
    )
    counts[engine ?? 'others'] += 1
  }
  yield JSON.stringify(counts)
}
