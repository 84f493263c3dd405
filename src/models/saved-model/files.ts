import { stat, type FileHandle } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { failure } from '../../util/diagnostic.ts'
import { openFile } from '../../util/files.ts'
import { readBundle, type Bundle } from './bundle/bundle.ts'
import { SAVED_MODEL, type MetaGraph } from './graph-def.ts'
import { decode } from './message.ts'
import { OBJECT_GRAPH, type ObjectGraph } from './object-graph.ts'
import { WireError } from './wire.ts'

/** Protobuf's own bound is 2 GiB; weights lie beside the graph, not in it. */
const LARGEST = 2 ** 30

/** The graphs of `saved_model.pb`, one or more. Throws BAD_WEIGHTS. */
export async function readGraphs(folder: string): Promise<MetaGraph[]> {
  const path = join(folder, 'saved_model.pb')
  const file = await openFile(path).catch((error: unknown) => {
    const isOwn = basename(folder) === 'saved_model.pb'
    throw failure('BAD_WEIGHTS', `${folder} is no SavedModel: it has no saved_model.pb`, {
      hint: isOwn ? 'name the folder that holds it' : undefined,
      cause: error,
    })
  })
  const bytes = await wholeFile(file, path).finally(() => file.close())
  return within(folder, () => {
    const { metaGraphs } = decode(SAVED_MODEL, bytes)
    if (metaGraphs.length === 0) throw new WireError('no graph in it')
    return metaGraphs
  })
}

async function wholeFile(file: FileHandle, path: string): Promise<Buffer> {
  const { size } = await file.stat()
  if (size > LARGEST) throw failure('BAD_WEIGHTS', `${path} has ${size} bytes, more than 1 GiB`)
  return file.readFile()
}

/** Undefined for a SavedModel that has no variables. Throws BAD_WEIGHTS. */
export async function readVariables(folder: string): Promise<Bundle | undefined> {
  const prefix = join(folder, 'variables', 'variables')
  const there = await stat(`${prefix}.index`).catch(() => undefined)
  return there && (await readBundle(prefix))
}

/** Undefined for a graph of TF1. */
export function objectsOf(meta: MetaGraph): ObjectGraph | undefined {
  const objects = decode(OBJECT_GRAPH, meta.objects)
  return objects.nodes.length > 0 ? objects : undefined
}

/** What does not fit while the graphs are read is damage of the file. */
export function within<T>(folder: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    const message = `${join(folder, 'saved_model.pb')} is damaged: ${error.message}`
    throw failure('BAD_WEIGHTS', message, {
      cause: error,
      hint: 'download or export it again',
    })
  }
}
