/**
 * Just enough of an assembler to write WebAssembly kernels by hand and read them again. A piece of code is an
 * array of bytes; an instruction is a function from the code of its operands to code. Opcodes: the
 * WebAssembly core specification 2.0, section 5.4 (binary format of instructions).
 */
export type Code = readonly number[]

const unsigned = (value: number): number[] => {
  const low = value & 0x7f
  const rest = value >>> 7
  return rest === 0 ? [low] : [low | 0x80, ...unsigned(rest)]
}

const signed = (value: number): number[] => {
  const low = value & 0x7f
  const rest = value >> 7
  const done = (rest === 0 && !(low & 0x40)) || (rest === -1 && low & 0x40)
  return done ? [low] : [low | 0x80, ...signed(rest)]
}

const binary =
  (...opcode: number[]) =>
  (a: Code, b: Code): Code => [...a, ...b, ...opcode]
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)]
/** Alignment is a hint only and stays at one byte. */
const memory =
  (opcode: Code) =>
  (address: Code, offset = 0): Code => [...address, ...opcode, 0, ...unsigned(offset)]

/** A local variable, parameters first. */
export interface Local {
  readonly index: number
}

export const get = ({ index }: Local): Code => [0x20, ...unsigned(index)]
export const set = ({ index }: Local, value: Code): Code => [...value, 0x21, ...unsigned(index)]

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: binary(0x6a),
  mul: binary(0x6c),
  shl: binary(0x74),
  ne: binary(0x47),
  ltU: binary(0x49),
  load: memory([0x28]),
}

export const v128 = {
  load: memory(simd(0x00)),
  load32Splat: memory(simd(0x09)),
  load32Zero: memory(simd(0x5c)),
  load64Zero: memory(simd(0x5d)),
  store: (address: Code, value: Code): Code => [...address, ...value, ...simd(0x0b), 0, 0],
  store32Lane0: (address: Code, value: Code): Code => [
    ...address,
    ...value,
    ...simd(0x5a),
    0,
    0,
    0,
  ],
  const: (bytes: readonly number[]): Code => [...simd(0x0c), ...bytes],
  and: binary(...simd(0x4e)),
  /** Bits of `a` where the mask has ones, of `b` elsewhere. */
  select: (a: Code, b: Code, mask: Code): Code => [...a, ...b, ...mask, ...simd(0x52)],
}

export const i8x16 = {
  shuffle: (a: Code, b: Code, lanes: readonly number[]): Code => [
    ...a,
    ...b,
    ...simd(0x0d),
    ...lanes,
  ],
  swizzle: binary(...simd(0x0e)),
  /** Two vectors of int16 to one of uint8, clamped. */
  narrowU: binary(...simd(0x66)),
}

export const i16x8 = {
  sub: binary(...simd(0x91)),
  /** Two vectors of int32 to one of int16, clamped. */
  narrowS: binary(...simd(0x85)),
  extendLowU: (a: Code): Code => [...a, ...simd(0x89)],
  extendHighU: (a: Code): Code => [...a, ...simd(0x8a)],
}

export const i32x4 = {
  splat: (a: Code): Code => [...a, ...simd(0x11)],
  shl: binary(...simd(0xab)),
  shrS: binary(...simd(0xac)),
  add: binary(...simd(0xae)),
  extendLowS: (a: Code): Code => [...a, ...simd(0xa7)],
  extendLowU: (a: Code): Code => [...a, ...simd(0xa9)],
  lane: (a: Code, index: number): Code => [...a, ...simd(0x1b), index],
  /** Of float32, towards zero; no number becomes 0. */
  truncate: (a: Code): Code => [...a, ...simd(0xf8)],
  /** Of two float64, into the first two; the others become 0. */
  truncateWide: (a: Code): Code => [...a, ...simd(0xfc)],
  /** Products of int16 pairs, summed pair by pair. */
  dot: binary(...simd(0xba)),
}

export const f32x4 = {
  /** Of int32. */
  convert: (a: Code): Code => [...a, ...simd(0xfa)],
  add: binary(...simd(0xe4)),
  sub: binary(...simd(0xe5)),
  mul: binary(...simd(0xe6)),
  /** The lesser of each; where either is no number, `a`. */
  min: binary(...simd(0xea)),
  max: binary(...simd(0xeb)),
  /** To the nearest integer, halves to even. */
  nearest: (a: Code): Code => [...a, ...simd(0x6a)],
  /** To the next integer towards zero. */
  truncate: (a: Code): Code => [...a, ...simd(0x69)],
  /** Two float64 into the first two; the others become 0. */
  demote: (a: Code): Code => [...a, ...simd(0x5e)],
}

export const f64x2 = {
  /** The first two int32. */
  convertLow: (a: Code): Code => [...a, ...simd(0xfe)],
  add: binary(...simd(0xf0)),
  sub: binary(...simd(0xf1)),
  mul: binary(...simd(0xf2)),
  div: binary(...simd(0xf3)),
  min: binary(...simd(0xf6)),
  max: binary(...simd(0xf7)),
  abs: (a: Code): Code => [...a, ...simd(0xec)],
  floor: (a: Code): Code => [...a, ...simd(0x75)],
  /** To the next integer towards zero. */
  truncate: (a: Code): Code => [...a, ...simd(0x7a)],
  /** Comparisons give lanes of ones or zeros. */
  less: binary(...simd(0x49)),
  greater: binary(...simd(0x4a)),
  atMost: binary(...simd(0x4b)),
  atLeast: binary(...simd(0x4c)),
}

/** Runs `body`, again as long as `condition` holds after it. */
export const doWhile = (body: Code, condition: Code): Code => [
  0x03,
  0x40,
  ...body,
  ...condition,
  0x0d,
  0x00,
  0x0b,
]

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
const I32 = 0x7f
const V128 = 0x7b

export interface Kernel {
  readonly name: string
  /** How many int32 parameters it takes; it returns nothing. */
  readonly parameters: number
  readonly code: Code
  readonly locals: readonly number[]
}

/** Declares the variables of a kernel: `i32()` and `v128()` hand out locals, parameters come first. */
export function kernel(
  name: string,
  parameters: number,
  body: (parameter: readonly Local[], fresh: { i32: () => Local; v128: () => Local }) => Code,
): Kernel {
  const locals: number[] = []
  const fresh = (type: number) => (): Local => ({ index: parameters + locals.push(type) - 1 })
  const given = Array.from({ length: parameters }, (_, index) => ({ index }))
  const code = body(given, { i32: fresh(I32), v128: fresh(V128) })
  return { name, parameters, code, locals }
}

/** A module that imports its memory as `env.memory` and exports the kernels. */
export function assemble(kernels: readonly Kernel[]): Uint8Array<ArrayBuffer> {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value, 'latin1')]
  const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()]
  const sized = (body: Code): number[] => [...unsigned(body.length), ...body]
  const section = (id: number, items: readonly Code[]): number[] => [id, ...sized(vector(items))]
  const types = kernels.map(({ parameters }) => [
    0x60,
    ...vector(Array.from({ length: parameters }, () => [I32])),
    0,
  ])
  const bodies = kernels.map(({ locals, code }) =>
    sized([...vector(locals.map((type) => [1, type])), ...code, 0x0b]),
  )
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, types),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x00, 0x00]]),
    ...section(
      3,
      kernels.map((_, i) => unsigned(i)),
    ),
    ...section(
      7,
      kernels.map(({ name }, i) => [...text(name), 0x00, ...unsigned(i)]),
    ),
    ...section(10, bodies),
  ])
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer
  /** Adds pages of 64 KiB; views of the old buffer are dead afterwards. */
  grow(pages: number): number
}

/** Node's types leave WebAssembly to the DOM library, which does not belong here. */
const wasm = (
  globalThis as unknown as {
    WebAssembly: {
      Memory: new (options: { initial: number; maximum: number }) => WasmMemory
      Module: new (bytes: Uint8Array) => object
      Instance: new (module: object, imports: object) => { readonly exports: unknown }
    }
  }
).WebAssembly

/** A memory of `initial` pages that can grow to 4 GiB. */
export function createMemory(initial: number): WasmMemory {
  return new wasm.Memory({ initial, maximum: 65536 })
}

/** The exported kernels, by name. */
export function instantiate(kernels: readonly Kernel[], memory: WasmMemory): unknown {
  return new wasm.Instance(new wasm.Module(assemble(kernels)), { env: { memory } }).exports
}
