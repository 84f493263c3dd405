import { Builder } from '../../src/program/builder.ts'
import type { Program } from '../../src/program/program.ts'

/** A program without feeds whose entry `infer` takes a second or so on wasm. */
export function slowProgram(): Program {
  const b = new Builder()
  const size = 512
  const matrix = b.constant(new Float32Array(size * size).fill(1 / size), [size, size])
  let x = matrix
  for (let i = 0; i < 60; i += 1) x = b.matMul(x, matrix)
  b.entry('infer', { fetches: { x }, updates: [] })
  return b.program()
}
