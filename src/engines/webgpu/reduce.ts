import { sizeOf } from '../../program/program.ts'
import { runsOf } from '../../program/shapes.ts'
import type { Emission, Emitters } from './emit.ts'
import { TO_FLOAT } from './map.ts'
import type { Handle } from './tfjs.ts'

export const REDUCE: Emitters<'reduceSum' | 'reduceMean' | 'reduceMax' | 'reduceMaxGradient'> = {
  reduceSum: (e) => reduction(e, false),
  reduceMean: (e) => reduction(e, true),
  reduceMax: ({ run, inputs: [x], attributes: { axes, keepDims } }) =>
    run('Max', { x }, { reductionIndices: axes, keepDims }),
  reduceMaxGradient: ({ run, map, inputs: [dy, x, y], attributes: { axes } }) => {
    const hits = map(TO_FLOAT, [run('Equal', { a: x, b: y })])
    const ties = run('Sum', { x: hits }, { axis: axes, keepDims: true })
    return run('Multiply', { a: hits, b: run('RealDiv', { a: dy, b: ties }) })
  },
}

/** One run of neighbouring axes at a time, the last first. */
function reduction(e: Emission<'reduceSum' | 'reduceMean'>, isMean: boolean): Handle {
  const [x] = e.inputs
  const { shape } = x!
  const reduced = runsOf(e.attributes.axes).reduce((from, [first, last]) => {
    const outer = sizeOf(shape.slice(0, first))
    const count = sizeOf(shape.slice(first, last + 1))
    // What lies behind is there still, but for axes that were reduced already.
    const inner = sizeOf(from.shape) / (outer * count)
    const divisor = isMean ? count : 1
    return inner > 1
      ? e.sum(from, [outer, count, inner], divisor)
      : rows(e, from, [outer, count], divisor)
  }, x!)
  return e.view(reduced, e.output.shape)
}

/** Along the last axis, as tfjs does it. */
function rows(
  { run, view }: Emission<'reduceSum' | 'reduceMean'>,
  x: Handle,
  shape: readonly [number, number],
  divisor: number,
): Handle {
  return run(divisor === 1 ? 'Sum' : 'Mean', { x: view(x, shape) }, { axis: [1], keepDims: false })
}
