import fs from 'node:fs'
import { workerData } from 'node:worker_threads'
import { PipelineError } from '../../util/diagnostic.ts'
import { OpenHdf5, type Library } from './hdf5-library.ts'
import type { Answer, Call, ThreadSetup } from './hdf5-thread.ts'

/**
 * The thread in which the HDF5 library (C, compiled to WebAssembly) reads what may be damaged or hostile: it may trap,
 * loop, or be led to other files, and none of that reaches the rest of the process.
 */
const { port, signal } = workerData as ThreadSetup

// Nothing but the file that was asked for is opened, whatever it says (external storage, virtual datasets, links);
// and new files, through which the library passes the text of its own errors.
let allowed: string | undefined
const openSync = fs.openSync
const { O_CREAT, O_EXCL } = fs.constants
Object.assign(fs, {
  openSync: (path: fs.PathLike, flags?: fs.OpenMode, mode?: fs.Mode) => {
    if (path === allowed) return openSync(path, 'r')
    if (typeof flags === 'number' && flags & O_CREAT && flags & O_EXCL) {
      return openSync(path, flags, mode)
    }
    throw Object.assign(new Error(`not to be opened: ${String(path)}`), { code: 'EACCES' })
  },
})
// The library tells on stderr what it then throws.
const silent = (): void => undefined
Object.assign(console, { log: silent, warn: silent, error: silent })

let file: OpenHdf5 | undefined

async function answer(call: Call): Promise<unknown> {
  if (call.op === 'open') {
    const library: Library = await import('h5wasm/node')
    // Otherwise it gives rubbish as values.
    const module = await library.ready
    module.activate_throwing_error_handler()
    allowed = call.path
    file = new OpenHdf5(library, call.path, call.name, call.size)
    return undefined
  }
  if (call.op === 'close') {
    allowed = undefined
    const open = file
    file = undefined
    return open?.close()
  }
  return file![call.op](call.group, call.argument)
}

function send(message: Answer, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
  Atomics.add(signal, 0, 1)
  Atomics.notify(signal, 0)
}

port.on('message', (call: Call) => {
  answer(call).then(
    (value) => send({ value }, buffersOf(value)),
    (error: unknown) => {
      if (error instanceof PipelineError) return send({ diagnostics: error.diagnostics })
      // After a trap or an abort the library's memory is in no known state.
      const text = String(error)
      send({ error: text, fatal: /^(RuntimeError|Aborted)/.test(text) })
    },
  )
})

function buffersOf(value: unknown): ArrayBuffer[] {
  const data = (value as { data?: unknown } | undefined)?.data
  return data instanceof Float32Array ? [data.buffer as ArrayBuffer] : []
}
