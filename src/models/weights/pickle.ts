import { failure, type PipelineError } from '../../util/diagnostic.ts'

/** A class or function that a pickle names; it is only ever compared, never called. */
export class PickleGlobal {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A call that a pickle asks for (`REDUCE`), recorded and not made. */
export class PickleCall {
  readonly callee: PickleGlobal
  readonly args: readonly unknown[]
  constructor(callee: PickleGlobal, args: readonly unknown[]) {
    this.callee = callee
    this.args = args
  }
}

/** A reference to data outside the pickle (`BINPERSID`). */
export class PersistentId {
  readonly id: unknown
  constructor(id: unknown) {
    this.id = id
  }
}

const MARK = Symbol('mark')

/** A tensor takes some 30; each may make an object, which is larger than it in the file. */
const MOST_OPCODES = 5_000_000

/**
 * Reads one pickle (protocols 0x80 2 to 5, the opcodes that state dicts use) as plain data: dicts become Maps, lists
 * and tuples arrays, calls stay `PickleCall`s. Nothing is imported or executed. `allowed` says which globals may be
 * named at all; any other makes the whole file BAD_WEIGHTS.
 */
export function readPickle(
  bytes: Buffer,
  start: number,
  path: string,
  allowed: (name: string) => boolean,
): { value: unknown; end: number } {
  let at = start
  const stack: unknown[] = []
  const memo = new Map<number, unknown>()
  const bad = (what: string): PipelineError =>
    failure('BAD_WEIGHTS', `${path} is not a PyTorch state dict: ${what} at byte ${at}`)

  const take = (n: number): Buffer => {
    if (n < 0 || at + n > bytes.length) throw bad('the file ends early')
    at += n
    return bytes.subarray(at - n, at)
  }
  const u8 = () => take(1)[0]!
  const u32 = () => take(4).readUInt32LE()
  const size64 = (): number => {
    const n = take(8).readBigUInt64LE()
    if (n > BigInt(bytes.length)) throw bad('the file ends early')
    return Number(n)
  }
  const line = (): string => {
    const end = bytes.indexOf(10, at)
    if (end < 0) throw bad('the file ends early')
    const text = bytes.toString('utf8', at, end)
    at = end + 1
    return text
  }
  const pop = (): unknown => {
    if (stack.length === 0) throw bad('an empty stack')
    return stack.pop()
  }
  const popMark = (): unknown[] => {
    const mark = stack.lastIndexOf(MARK)
    if (mark < 0) throw bad('no mark')
    const items = stack.splice(mark)
    return items.slice(1)
  }
  const global = (name: string): PickleGlobal => {
    if (!allowed(name)) {
      throw failure(
        'BAD_WEIGHTS',
        `${path} names ${name}, which no file of plain weights needs; nothing of it was executed`,
        { hint: 'use a state dict that holds tensors only: torch.save(model.state_dict(), FILE)' },
      )
    }
    return new PickleGlobal(name)
  }
  const top = (): unknown => stack.at(-1)
  const setItems = (items: readonly unknown[]): void => {
    const target = top()
    if (target instanceof PickleCall) return // an OrderedDict's or object's state: no tensors hang there
    if (!(target instanceof Map)) throw bad('items for something that is no dict')
    for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i], items[i + 1])
  }
  const append = (items: readonly unknown[]): void => {
    const target = top()
    if (!Array.isArray(target)) throw bad('items for something that is no list')
    for (const item of items) target.push(item)
  }

  const opcodes: Readonly<Record<number, () => void>> = {
    0x80: () => void u8(), // PROTO
    0x95: () => void size64(), // FRAME
    0x28: () => stack.push(MARK),
    0x30: () => void pop(),
    0x4e: () => stack.push(null),
    0x88: () => stack.push(true),
    0x89: () => stack.push(false),
    0x4b: () => stack.push(u8()),
    0x4d: () => stack.push(take(2).readUInt16LE()),
    0x4a: () => stack.push(take(4).readInt32LE()),
    0x8a: () => stack.push(longOf(take(u8()))),
    0x47: () => stack.push(take(8).readDoubleBE()),
    0x58: () => stack.push(take(u32()).toString('utf8')),
    0x8c: () => stack.push(take(u8()).toString('utf8')),
    0x54: () => stack.push(take(u32()).toString('latin1')),
    0x55: () => stack.push(take(u8()).toString('latin1')),
    0x42: () => stack.push(take(u32())),
    0x43: () => stack.push(take(u8())),
    0x5d: () => stack.push([]),
    0x7d: () => stack.push(new Map()),
    0x29: () => stack.push([]),
    0x85: () => stack.push([pop()]),
    0x86: () => stack.push([pop(), pop()].reverse()),
    0x87: () => stack.push([pop(), pop(), pop()].reverse()),
    0x74: () => stack.push(popMark()),
    0x61: () => append([pop()]),
    0x65: () => append(popMark()),
    0x73: () => setItems([pop(), pop()].reverse()),
    0x75: () => setItems(popMark()),
    0x71: () => memo.set(u8(), top()),
    0x72: () => memo.set(u32(), top()),
    0x94: () => memo.set(memo.size, top()),
    0x68: () => stack.push(memo.get(u8())),
    0x6a: () => stack.push(memo.get(u32())),
    0x63: () => stack.push(global(`${line()}.${line()}`)),
    0x93: () => {
      const name = pop()
      const module = pop()
      // Of lists within lists, text could grow without bound.
      if (typeof name !== 'string' || typeof module !== 'string')
        throw bad('a name that is no text')
      stack.push(global(`${module}.${name}`))
    },
    0x51: () => stack.push(new PersistentId(pop())),
    0x52: () => {
      const args = pop()
      const callee = pop()
      if (!(callee instanceof PickleGlobal) || !Array.isArray(args))
        throw bad('a call of no function')
      // An OrderedDict is a dict; everything else stays a recorded call.
      stack.push(
        callee.name === 'collections.OrderedDict' ? new Map() : new PickleCall(callee, args),
      )
    },
    0x62: () => void pop(), // BUILD: the state of an object (a dict's `_metadata`)
  }

  for (let count = 0; ; count += 1) {
    if (count > MOST_OPCODES) throw bad(`more than ${MOST_OPCODES} opcodes`)
    const opcode = u8()
    if (opcode === 0x2e) return { value: pop(), end: at }
    const run = opcodes[opcode]
    if (!run) throw bad(`pickle opcode 0x${opcode.toString(16)}`)
    run()
  }
}

/** Little-endian two's complement; a size that no number holds becomes a bigint. */
function longOf(bytes: Buffer): number | bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(bytes[i]!)
  if (bytes.length > 0 && bytes.at(-1)! & 0x80) value -= 1n << BigInt(8 * bytes.length)
  return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value
}
