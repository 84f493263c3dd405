import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/graph/store.ts'
import type { StoredRun } from '../../src/runs/read.ts'
import { openUi, type Ui, type UiOptions } from '../../src/ui/app.ts'
import { failure } from '../../src/util/diagnostic.ts'
import { DIGEST } from '../report/reports.ts'
import { makeRun, type MadeRun } from '../support/made-run.ts'

export const PORT = 4747

/** A run as a finished one leaves it, with all that its page needs. */
export function finishedRun(root: string, made: MadeRun): StoredRun {
  return makeRun(root, { ...made, record: { pipeline: DIGEST, ...made.record } })
}

export interface UiRig extends AsyncDisposable {
  /** `<temporary folder>/runs`, which may not be there. */
  readonly root: string
  readonly ui: Ui
  /** What pages could not be made for. */
  readonly failures: readonly unknown[]
  ask(
    path: string,
    options?: { method?: string; headers?: Record<string, string> },
  ): Promise<Response>
  /** The body of an answer that has to be 200. */
  text(path: string): Promise<string>
}

/** The server without a port: what is asked goes right to its routes. */
export async function openUiRig({
  heartbeat = 60_000,
  port = () => PORT,
}: Partial<Pick<UiOptions, 'heartbeat' | 'port'>> = {}): Promise<UiRig> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'graft-ui-')))
  const failures: unknown[] = []
  const root = join(folder, 'runs')
  const ui = openUi({
    root,
    heartbeat,
    openStore: () => openStore(join(folder, 'store'), { readOnly: true }),
    readSweep: () => Promise.reject(failure('FILE_NOT_FOUND', 'no such file')),
    places: { store: join(folder, 'store'), cwd: folder },
    port,
    failed: (error) => failures.push(error),
  })
  const ask: UiRig['ask'] = async (path, { method = 'GET', headers = {} } = {}) =>
    ui.app.request(`http://localhost:${PORT}${path}`, {
      method,
      headers: { host: `localhost:${PORT}`, ...headers },
    })
  return {
    root,
    ui,
    failures,
    ask,
    text: async (path) => {
      const answer = await ask(path)
      const text = await answer.text()
      if (answer.status !== 200) {
        throw new Error(`${path}: ${answer.status}`, { cause: failures.at(-1) })
      }
      return text
    },
    [Symbol.asyncDispose]: async () => {
      ui.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface ServerEvent {
  readonly event: string
  readonly id: string
  readonly pages: readonly string[]
}

export interface EventReader {
  /** The next event that fits; rejects after ten seconds. */
  next(wants?: (event: ServerEvent) => boolean): Promise<ServerEvent>
  /** All that came, comments too. */
  readonly text: string
  close(): Promise<void>
}

/** Reads a stream of events as a browser does. */
export function readEvents(body: ReadableStream<Uint8Array>): EventReader {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let used = 0
  const unread = (): ServerEvent | undefined => {
    const end = text.indexOf('\n\n', used)
    if (end < 0) return undefined
    const fields = new Map(
      text
        .slice(used, end)
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    )
    used = end + 2
    const event = fields.get('event')
    if (event === undefined) return unread()
    const { pages = [] } = JSON.parse(fields.get('data')!) as { pages?: string[] }
    return { event, id: fields.get('id')!, pages }
  }
  const search = async (wants: (event: ServerEvent) => boolean): Promise<ServerEvent> => {
    for (;;) {
      const event = unread()
      if (event && wants(event)) return event
      if (event) continue
      const { value, done } = await reader.read()
      if (done) throw new Error(`the stream ended: ${text}`)
      text += decoder.decode(value, { stream: true })
    }
  }
  return {
    next: (wants = () => true) => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no such event in 10 s: ${text}`)), 10_000)
      })
      return Promise.race([search(wants), late]).finally(() => clearTimeout(timer))
    },
    get text() {
      return text
    },
    close: () => reader.cancel(),
  }
}
