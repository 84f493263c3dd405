import type { Size, Transform } from './augmentation.ts'

/**
 * Where a pixel of the result comes from, as scipy.ndimage.affine_transform takes it:
 * row' = rows[0] * row + rows[1] * column + rows[2], and columns likewise.
 */
export interface Affine {
  readonly rows: Three
  readonly columns: Three
}

type Three = readonly [number, number, number]
type Matrix = readonly [x: Three, y: Three, one: Three]

/**
 * Keras' `apply_affine_transform`: rotation * shift * shear * zoom around the centre, for x along a row and y down a
 * column. Keras takes the centre of x from the height and that of y from the width, so it turns pictures that
 * are not square around another point; here each axis has its own. Undefined where nothing moves.
 */
export function affineOf(transform: Transform, [height, width]: Size): Affine | undefined {
  const parts = [...partsOf(transform)]
  if (parts.length === 0) return undefined
  const centre = shiftBy(width / 2 - 0.5, height / 2 - 0.5)
  const back = shiftBy(-(width / 2 - 0.5), -(height / 2 - 0.5))
  const [x, y] = multiply(multiply(centre, parts.reduce(multiply)), back)
  return { rows: [y[1], y[0], y[2]], columns: [x[1], x[0], x[2]] }
}

function* partsOf({ theta, tx, ty, shear, zx, zy }: Transform): Generator<Matrix> {
  const [turn, slant] = [theta, shear].map((degrees) => degrees * (Math.PI / 180)) as [
    number,
    number,
  ]
  if (theta !== 0) {
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
    yield [[cos, -sin, 0], [sin, cos, 0], LAST]
  }
  if (tx !== 0 || ty !== 0) yield shiftBy(tx, ty)
  if (shear !== 0) yield [[1, -Math.sin(slant), 0], [0, Math.cos(slant), 0], LAST]
  if (zx !== 1 || zy !== 1) yield [[zx, 0, 0], [0, zy, 0], LAST]
}

const LAST: Three = [0, 0, 1]

function shiftBy(x: number, y: number): Matrix {
  return [[1, 0, x], [0, 1, y], LAST]
}

function multiply(a: Matrix, b: Matrix): Matrix {
  const row = ([x, y, one]: Three): Three => [
    x * b[0][0] + y * b[1][0] + one * b[2][0],
    x * b[0][1] + y * b[1][1] + one * b[2][1],
    x * b[0][2] + y * b[1][2] + one * b[2][2],
  ]
  return [row(a[0]), row(a[1]), row(a[2])]
}
