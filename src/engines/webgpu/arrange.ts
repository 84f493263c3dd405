import type { Emitters } from './emit.ts'
import { TO_FLOAT } from './map.ts'

/** What moves numbers and leaves them as they are. */
export const ARRANGE: Emitters<
  'reshape' | 'transpose' | 'pad' | 'slice' | 'concat' | 'broadcastTo'
> = {
  reshape: (e) => e.view(e.inputs[0]!, e.output.shape),
  transpose: ({ run, map, inputs: [x], attributes: { permutation: perm } }) => {
    if (x!.dtype === 'float32') return run('Transpose', { x }, { perm })
    // tfjs' shader for integers does not compile; up to 2 ** 24 they are floats without loss.
    const floats = run('Transpose', { x: map(TO_FLOAT, [x!]) }, { perm })
    return run('Cast', { x: floats }, { dtype: 'int32' })
  },
  pad: ({ run, inputs: [x], attributes: { padding, value } }) =>
    run('PadV2', { x }, { paddings: padding, constantValue: value }),
  slice: (e) => e.run('Slice', { x: e.inputs[0]! }, e.attributes),
  concat: (e) => e.run('Concat', e.inputs, e.attributes),
  broadcastTo: ({ run, view, inputs: [x], output: { shape } }) => {
    const wide = [...Array<number>(shape.length - x!.shape.length).fill(1), ...x!.shape]
    const reps = shape.map((n, axis) => n / wide[axis]!)
    return run('Tile', { x: view(x!, wide) }, { reps })
  },
}
