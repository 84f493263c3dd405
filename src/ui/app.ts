import { setMaxListeners } from 'node:events'
import { Readable } from 'node:stream'
import { Hono, type Context } from 'hono'
import type { Store } from '../graph/store.ts'
import type { SweepReport } from '../report/sweep/read.ts'
import { readDefinition } from '../sweeps/definition.ts'
import { openChanges } from './changes.ts'
import { diffPageOf } from './diff-page.ts'
import { eventStream } from './events.ts'
import { FILE_POLICY, guard, type Guarded, type Refusal } from './guard.ts'
import { folderBelow, isName, openShown, strayLink, typeOf } from './jail.ts'
import { listPage } from './list-page.ts'
import { plainPage } from './plain-page.ts'
import { openRunPages } from './run-pages.ts'
import type { MadePage } from './shell.ts'
import { sweepPageOf } from './sweep-page.ts'
import { openWatch } from './watch.ts'

export interface UiOptions {
  /** The folder of runs; absolute. */
  readonly root: string
  readonly openStore: () => Promise<Store>
  /** Throws PipelineError where its file is not there or is wrong. */
  readonly readSweep: (name: string) => Promise<SweepReport>
  /** Where the store is, and where the command was started. */
  readonly places: { readonly store: string; readonly cwd: string }
  /** The port that requests come in by. */
  readonly port: () => number
  /** Milliseconds between signs of life of the stream of events. */
  readonly heartbeat?: number
  /** What a page could not be made for, which is an error here. */
  readonly failed: (error: unknown) => void
}

export interface Ui {
  readonly app: Hono<Guarded>
  /** Folders that are watched now. */
  watched(): number
  /** Tabs that listen. */
  listeners(): number
  close(): void
}

const HEARTBEAT_MS = 15_000
/** Tabs that may listen at once. */
const MOST_STREAMS = 64

/** The pages of a folder of runs. Nothing that is asked of them changes anything. */
export function openUi({
  root,
  openStore,
  places,
  readSweep,
  port,
  heartbeat = HEARTBEAT_MS,
  failed,
}: UiOptions): Ui {
  const changes = openChanges()
  const watch = openWatch(root, (pages) => changes.add(pages))
  const runPages = openRunPages(root, openStore)
  const app = new Hono<Guarded>()
  const closing = new AbortController()
  setMaxListeners(MOST_STREAMS, closing.signal)
  let streams = 0

  app.use(guard(port, (why, nonce) => REFUSALS[why](port()).text(nonce)))
  app.get('/', async (context) => {
    const { filter = '', sort = '', page = '1' } = context.req.query()
    const number = /^[1-9]\d{0,5}$/.test(page) ? Number(page) : 1
    const made = await listPage(root, { filter: filter.trim(), sort: sort.trim(), page: number })
    return answer(context, made.page, made.isWrong ? 400 : 200)
  })
  app.get('/runs/:name/:id', async (context) => {
    const { name, id } = context.req.param()
    const folder = folderBelow(root, name, id)
    if (folder === undefined) return answer(context, NO_RUN, 404)
    const stray = strayLink(folder, root)
    if (stray !== undefined) return answer(context, leadsAway(stray), 403)
    const page = await runPages([name, id], folder)
    return page ? answer(context, page) : answer(context, NO_RUN, 404)
  })
  app.get('/runs/:name/:id/files/:file', async (context) => {
    const { name, id, file } = context.req.param()
    const folder = isName(file) ? folderBelow(root, name, id) : undefined
    const opened = folder === undefined ? undefined : await openShown(folder, file)
    if (!opened) return answer(context, NO_FILE, 404)
    const { size } = await opened.stat()
    context.header('Content-Security-Policy', FILE_POLICY)
    context.header('Content-Type', typeOf(file)!)
    context.header('Content-Length', String(size))
    if (context.req.method === 'HEAD') {
      await opened.close()
      return context.body(null)
    }
    // What is appended in this moment would be more than was said.
    const stream = opened.createReadStream(size > 0 ? { end: size - 1 } : {})
    return context.body(Readable.toWeb(stream) as ReadableStream<Uint8Array>)
  })
  app.get('/diff', async (context) => {
    const runs = (context.req.queries('run') ?? []).map((run) => run.split('/'))
    const picked = runs.flatMap(([name = '', id = '', ...more]) => {
      const folder = more.length > 0 ? undefined : folderBelow(root, name, id)
      return folder === undefined ? [] : [{ place: [name, id] as const, folder }]
    })
    const [a, b] = picked
    if (runs.length !== 2) return answer(context, NOT_TWO, 400)
    if (!a || !b) return answer(context, NO_RUN, 404)
    const stray = strayLink(a.folder, root) ?? strayLink(b.folder, root)
    if (stray !== undefined) return answer(context, leadsAway(stray), 403)
    const page = await diffPageOf([a, b], places, openStore)
    return page ? answer(context, page) : answer(context, NO_RUN, 404)
  })
  app.get('/sweeps/:name', async (context) => {
    const { name } = context.req.param()
    const isThere = folderBelow(root, name) !== undefined && readDefinition(root, name)
    return isThere
      ? answer(context, await sweepPageOf(root, name, readSweep))
      : answer(context, NO_SWEEP, 404)
  })
  app.get('/events', (context) => {
    if (streams >= MOST_STREAMS) return answer(context, TOO_MANY, 503)
    context.header('Content-Type', 'text/event-stream; charset=utf-8')
    if (context.req.method === 'HEAD') return context.body(null)
    streams += 1
    const stream = eventStream({
      ...{ changes, watch, heartbeat },
      last: context.req.header('last-event-id'),
      pages: (context.req.queries('page') ?? []).slice(0, MOST_PAGES),
      signal: closing.signal,
      ended: () => (streams -= 1),
    })
    return context.body(stream)
  })
  app.notFound((context) => answer(context, NO_PAGE, 404))
  app.onError((error, context) => {
    failed(error)
    return answer(context as Context<Guarded>, BROKEN, 500)
  })
  const close = () => {
    closing.abort()
    watch.close()
  }
  return { app, watched: () => watch.folders, listeners: () => streams, close }
}

/** Pages that one tab shows. */
const MOST_PAGES = 8

type Status = 200 | 400 | 403 | 404 | 500 | 503

/** The whole page; for a reader that has one already, what has changed of it: nothing is 204. */
function answer(context: Context<Guarded>, page: MadePage, status: Status = 200) {
  const had = context.req.header('page-version')
  if (had === page.version) return context.body(null, 204)
  return context.html(had === undefined ? page.text(context.get('nonce')) : page.bare, status)
}

const NO_PAGE = plainPage('No such page', 'There is nothing at this address.')
const NO_RUN = plainPage(
  'No such run',
  'It may have been removed, its folder may be a link to another place, or its run.json cannot be read.',
)
const NOT_TWO = plainPage(
  'Pick two runs',
  'Two runs are compared with each other: pick two in the list.',
)
const NO_FILE = plainPage('No such file', 'The run has no such file, or it is none that is shown.')
const NO_SWEEP = plainPage('No such sweep', 'No runs of this name were made by a sweep.')
const TOO_MANY = plainPage(
  'Too many tabs',
  'So many tabs listen already that this one has to wait.',
)
const BROKEN = plainPage(
  'This page could not be made',
  'What went wrong is told where pipeline ui was started.',
)

function leadsAway(file: string): MadePage {
  return plainPage(
    'Not shown',
    `${file} in the folder of this run is a link to outside of the folder of runs, and is not followed.`,
  )
}

const REFUSALS: Readonly<Record<Refusal, (port: number) => MadePage>> = {
  host: (port) =>
    plainPage(
      'Not this name',
      `These pages are at http://localhost:${port}/, and by no other name.`,
    ),
  site: () => plainPage('Not for other sites', 'A page of another site has asked for this one.'),
  method: () =>
    plainPage('Only to read', 'Nothing can be changed here: GET and HEAD are all there is.'),
}
