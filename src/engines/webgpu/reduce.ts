import type { Emission, Emitters } from './emit.ts'
import { TO_FLOAT } from './map.ts'
import type { Handle } from './tfjs.ts'

export const REDUCE: Emitters<'reduceSum' | 'reduceMean' | 'reduceMax' | 'reduceMaxGradient'> = {
  reduceSum: (e) => reduction(e, 'Sum'),
  reduceMean: (e) => reduction(e, 'Mean'),
  reduceMax: ({ run, inputs: [x], attributes: { axes, keepDims } }) =>
    run('Max', { x }, { reductionIndices: axes, keepDims }),
  reduceMaxGradient: ({ run, map, inputs: [dy, x, y], attributes: { axes } }) => {
    const hits = map(TO_FLOAT, [run('Equal', { a: x, b: y })])
    const ties = run('Sum', { x: hits }, { axis: axes, keepDims: true })
    return run('Multiply', { a: hits, b: run('RealDiv', { a: dy, b: ties }) })
  },
}

function reduction(
  { run, inputs: [x], attributes: { axes, keepDims } }: Emission<'reduceSum' | 'reduceMean'>,
  kernel: string,
): Handle {
  return run(kernel, { x }, { axis: axes, keepDims })
}
