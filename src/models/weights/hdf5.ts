import { realpath, stat } from 'node:fs/promises'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import type { NamedTensor } from '../../util/safetensors.ts'
import { startThread, type Answer, type Call, type Hdf5Thread } from './hdf5-thread.ts'

/** How long reading may take at all: far more than a slow disk needs. */
const PATIENCE = { milliseconds: 60_000, bytesPerMillisecond: 4096 }

/** Threads that wait for the next file; the library is slow to start. */
const idle: Hdf5Thread[] = []

/**
 * Opens an HDF5 file for as long as `use` takes, in a thread of its own, which can open no other file: a damaged file
 * may make the library trap or run for ever. Throws BAD_WEIGHTS for what is none, or a damaged one; `name` stands for
 * the file in messages.
 */
export async function withHdf5<T>(
  path: string,
  name: string,
  use: (file: Hdf5Group) => T,
  patience = PATIENCE,
): Promise<T> {
  const { real, size } = await lookAt(path, name)
  const thread = idle.pop() ?? startThread()
  const deadline = performance.now() + patience.milliseconds + size / patience.bytesPerMillisecond
  let isSound = true
  const ask: Ask = (call) => {
    const answer: Answer | undefined = isSound ? thread.ask(call, deadline) : undefined
    if (answer && 'value' in answer) return answer.value
    if (answer && 'diagnostics' in answer) throw new PipelineError(answer.diagnostics)
    isSound = answer !== undefined && !answer.fatal
    const cause = answer?.error ?? 'the HDF5 library did not come to an end'
    throw failure('BAD_WEIGHTS', `${name} is not an HDF5 file, or a damaged one`, {
      cause: new Error(cause),
    })
  }
  try {
    ask({ op: 'open', path: real, name, size })
    return use(new Hdf5Group(ask, 0))
  } finally {
    const closed = isSound ? thread.ask({ op: 'close' }, deadline) : undefined
    if (closed && 'value' in closed && idle.length === 0) idle.push(thread)
    else thread.end()
  }
}

async function lookAt(path: string, name: string): Promise<{ real: string; size: number }> {
  try {
    const real = await realpath(path)
    return { real, size: (await stat(real)).size }
  } catch (error) {
    throw failure('BAD_WEIGHTS', `cannot read ${name}`, { cause: error })
  }
}

type Ask = (call: Call) => unknown

/** A group of an open file. Links, which may lead out of the file, are taken as not there. */
export class Hdf5Group {
  readonly #ask: Ask
  readonly #number: number

  constructor(ask: Ask, number: number) {
    this.#ask = ask
    this.#number = number
  }

  /** Undefined where there is no group of that path. */
  group(path: string): Hdf5Group | undefined {
    const number = this.#call('group', path) as number | undefined
    return number === undefined ? undefined : new Hdf5Group(this.#ask, number)
  }

  /** The names in it, by code unit. */
  keys(): string[] {
    return this.#call('keys') as string[]
  }

  /** A text attribute; undefined where there is none. */
  text(name: string): string | undefined {
    return this.#call('text', name) as string | undefined
  }

  /** A list of strings in one attribute, or in numbered chunks of it; undefined where there is neither. */
  texts(name: string): string[] | undefined {
    return this.#call('texts', name) as string[] | undefined
  }

  /** A dataset's shape, without its values; undefined where there is no dataset of that path. */
  shape(path: string): readonly number[] | undefined {
    return this.#call('shape', path) as readonly number[] | undefined
  }

  /** Undefined where there is no dataset of that path. Throws BAD_WEIGHTS for types that are no numbers. */
  tensor(path: string): NamedTensor | undefined {
    return this.#call('tensor', path) as NamedTensor | undefined
  }

  #call(op: Exclude<Call['op'], 'open' | 'close'>, argument = ''): unknown {
    return this.#ask({ op, group: this.#number, argument })
  }
}
