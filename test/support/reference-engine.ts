import type { Engine, Session } from '../../src/engines/engine.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { expandUpdates } from '../../src/program/expand-updates.ts'
import type { Program, Tensor, TensorData } from '../../src/program/program.ts'

/** The reference interpreter behind an engine's interface, rounded to float32 between runs: checks the suites. */
export function openReference(): Promise<Engine> {
  return Promise.resolve({
    info: { name: 'wasm', device: 'reference', version: '0', threads: 1 },
    compile: (program) => Promise.resolve(session(expandUpdates(program))),
    close: () => Promise.resolve(),
  })
}

function session(program: Program): Session {
  const state = new Map(program.variables.map((v) => [v.name, Float32Array.from(v.initial)]))
  const known = (name: string): Float32Array => {
    const value = state.get(name)
    if (!value) throw new TypeError(`no variable ${name}`)
    return value
  }
  const run: Session['run'] = async (name, feeds) => {
    for (const [feed, tensor] of Object.entries(program.entries[name]?.feeds ?? {})) {
      if (feeds[feed]?.constructor !== arrayOf(tensor)) throw new TypeError(`feed ${feed}: dtype`)
    }
    const result = evaluate(program, name, feeds, state)
    for (const [variable, value] of result.variables) state.set(variable, Float32Array.from(value))
    const fetches = Object.entries(program.entries[name]!.fetches).map(
      ([key, t]): [string, TensorData] => [key, arrayOf(t).from(result.fetches[key]!)],
    )
    return Object.fromEntries(fetches)
  }
  return {
    concurrency: 1,
    run,
    read: async (names = [...state.keys()]) =>
      new Map(names.map((name) => [name, known(name).slice()])),
    write: async (values) => {
      for (const [name, value] of values) {
        if (known(name).length !== value.length) throw new TypeError(`size of ${name}`)
        state.set(name, value.slice())
      }
    },
    close: () => Promise.resolve(),
  }
}

function arrayOf(t: Tensor) {
  return { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }[t.dtype]
}
