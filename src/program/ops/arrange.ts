import { perInput, type OpDefinitions } from '../op.ts'
import { broadcastShape, check, type } from '../shapes.ts'
import { sizeOf, type TensorType } from '../program.ts'
import { sumTo } from './arithmetic.ts'

/** Ops that move values and change none. */
export const ARRANGE: OpDefinitions<
  'reshape' | 'transpose' | 'pad' | 'slice' | 'concat' | 'broadcastTo'
> = {
  reshape: {
    infer: ([x], { shape }) => {
      check(sizeOf(x!.shape) === sizeOf(shape), `reshape of [${x!.shape}] to [${shape}]`)
      return [{ shape, dtype: x!.dtype }]
    },
    gradient: perInput((b, dy, { inputs: [x] }) => [() => b.reshape(dy, x!.shape)]),
  },
  transpose: {
    infer: ([x], { permutation }) => {
      check(
        permutation.toSorted((i, j) => i - j).join() === x!.shape.map((_, i) => i).join(),
        `transpose of [${x!.shape}] by [${permutation}]`,
      )
      return [{ shape: permutation.map((axis) => x!.shape[axis]!), dtype: x!.dtype }]
    },
    gradient: perInput((b, dy, { attributes: { permutation } }) => [
      () =>
        b.transpose(
          dy,
          permutation.map((_, i) => permutation.indexOf(i)),
        ),
    ]),
  },
  pad: {
    infer: ([x], { padding }) => {
      check(padding.length === x!.shape.length, `pad of [${x!.shape}] by ${padding.length} axes`)
      return [
        { shape: x!.shape.map((n, i) => n + padding[i]![0] + padding[i]![1]), dtype: x!.dtype },
      ]
    },
    gradient: perInput((b, dy, { inputs: [x], attributes: { padding } }) => [
      () =>
        b.slice(
          dy,
          padding.map(([before]) => before),
          x!.shape,
        ),
    ]),
  },
  slice: {
    infer: ([x], { begin, size }) => {
      check(
        size.length === x!.shape.length &&
          x!.shape.every((n, i) => begin[i]! >= 0 && begin[i]! + size[i]! <= n),
        `slice of [${x!.shape}] at [${begin}] of [${size}]`,
      )
      return [{ shape: size, dtype: x!.dtype }]
    },
    gradient: perInput((b, dy, { inputs: [x], attributes: { begin, size } }) => [
      () =>
        b.pad(
          dy,
          begin.map((start, i) => [start, x!.shape[i]! - start - size[i]!] as const),
        ),
    ]),
  },
  concat: {
    infer: (inputs, { axis }) => {
      const [first] = inputs
      const { length: rank } = first!.shape
      const fits = (x: TensorType): boolean =>
        x.shape.length === rank && x.shape.every((n, i) => i === axis || n === first!.shape[i])
      check(
        axis >= 0 && axis < rank && inputs.every(fits),
        `concat of ${inputs.map((x) => `[${x.shape}]`).join(', ')} along ${axis}`,
      )
      const length = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0)
      return [{ shape: first!.shape.map((n, i) => (i === axis ? length : n)), dtype: first!.dtype }]
    },
    gradient: perInput((b, dy, { inputs, attributes: { axis } }) => {
      let start = 0
      return inputs.map((x) => {
        const begin = x.shape.map((_, i) => (i === axis ? start : 0))
        start += x.shape[axis]!
        return () => b.slice(dy, begin, x.shape)
      })
    }),
  },
  broadcastTo: {
    infer: ([x], { shape }) => {
      check(
        broadcastShape(x!.shape, shape).join() === shape.join(),
        `broadcastTo of [${x!.shape}] to [${shape}]`,
      )
      return [type(shape)]
    },
    gradient: perInput((b, dy, { inputs: [x] }) => [() => sumTo(b, dy, x!.shape)]),
  },
}
