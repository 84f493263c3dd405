import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '../../src/graph/event.ts'
import { execute, type ExecuteOptions } from '../../src/graph/execute.ts'
import { planStages, type PlanOptions } from '../../src/graph/plan.ts'
import type { Artifact, Stage, StageContext, StageKind } from '../../src/graph/stage.ts'
import { openStore, type Store, type StoreOptions } from '../../src/graph/store.ts'
import type { Diagnostic } from '../../src/util/diagnostic.ts'
import { digestOf } from '../../src/util/digest.ts'
import type { JsonObject } from '../../src/util/json.ts'

/** A stage of the kind `write` unless said otherwise. */
export function stage(id: string, params: JsonObject = {}, needs: readonly string[] = []): Stage {
  const { kind, ...own } = params
  const named = Object.fromEntries(needs.map((need) => [need.replaceAll(/\W/g, '_'), need]))
  return { id, kind: typeof kind === 'string' ? kind : 'write', params: own, needs: named }
}

/**
 * Kinds for tests. Each execution is noted in the file `ran` (a line a stage), so that processes can be counted together.
 * `write`: text of params and inputs; `ms`: sleeps; `size`: that many bytes more; `fails`: throws.
 * `parity`: only whether the text's length is even, so that different inputs give equal outputs.
 * `random`: never the same twice. `source`: probed, reads the file `path`. `steps`: leaves a checkpoint after each
 * step in work/ and continues there.
 */
export function testKinds(ran: string): Record<string, StageKind> {
  const note = (context: StageContext) => appendFile(ran, `${context.stage.id}\n`)
  const kind = (name: string, run: StageKind['run'], more: Partial<StageKind> = {}): StageKind => ({
    kind: name,
    version: 1,
    describe: name,
    run: async (context) => {
      await note(context)
      await run(context)
    },
    ...more,
  })
  return {
    write: kind('write', write, {
      estimate: (s) => Promise.resolve({ bytes: Number(s.params['expects'] ?? 0) }),
    }),
    parity: kind('parity', async (context) => {
      const text = `${context.params['text']}${await inputText(context)}`
      await writeFile(join(context.out, 'text'), text.length % 2 === 0 ? 'even' : 'odd')
    }),
    random: kind('random', (context) =>
      writeFile(join(context.out, 'text'), String(Math.random())),
    ),
    steps: kind('steps', steps),
    source: kind(
      'source',
      async ({ params, out }) =>
        writeFile(join(out, 'text'), await readFile(String(params['path']))),
      { probe: async (s) => digestOf(await readFile(String(s.params['path']))) },
    ),
  }
}

async function write(context: StageContext): Promise<void> {
  const { params, out, signal } = context
  if (params['ms'] !== undefined) await sleep(Number(params['ms']), undefined, { signal })
  if (params['fails'] !== undefined) throw new Error(String(params['fails']))
  await writeFile(join(out, 'text'), `${params['text']}(${await inputText(context)})`)
  await mkdir(join(out, 'more'))
  await writeFile(join(out, 'more', 'bytes'), Buffer.alloc(Number(params['size'] ?? 3), 7))
}

async function steps({ params, out, work, signal }: StageContext): Promise<void> {
  const checkpoint = join(work, 'checkpoint')
  const total = Number(params['total'])
  let done = existsSync(checkpoint) ? Number(await readFile(checkpoint, 'utf8')) : 0
  for (; done < total; done += 1) {
    await sleep(10, undefined, { signal })
    await writeFile(checkpoint, String(done + 1))
  }
  await writeFile(join(out, 'text'), `${params['text']} ${done}`)
}

async function inputText(context: StageContext): Promise<string> {
  const paths = Object.values(context.inputs).map((input) => join(input.path, 'text'))
  return (await Promise.all(paths.map((path) => readFile(path, 'utf8')))).join(',')
}

export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'graft-graph-'))
  readonly root = join(this.folder, 'store')
  readonly ranFile = join(this.folder, 'ran')
  readonly kinds = testKinds(this.ranFile)
  events: Event[] = []

  /** Executes in this process with a store opened and closed for it; returns what ran, in order. */
  async run(
    stages: readonly Stage[],
    more: Partial<ExecuteOptions> & StoreOptions = {},
  ): Promise<string[]> {
    await this.execute(stages, more)
    return this.ran()
  }

  async execute(
    stages: readonly Stage[],
    more: Partial<ExecuteOptions> & StoreOptions = {},
  ): Promise<Map<string, Artifact>> {
    rmSync(this.ranFile, { force: true })
    this.events = []
    return await this.with(more, (store) =>
      execute(stages, this.kinds, store, { ...this.options(), ...more }),
    )
  }

  async plan(stages: readonly Stage[], more: Partial<PlanOptions> = {}) {
    const signal = new AbortController().signal
    return await this.with({}, (store) =>
      planStages(stages, this.kinds, store, { signal, ...more }),
    )
  }

  async with<T>(options: StoreOptions, body: (store: Store) => Promise<T>): Promise<T> {
    const store = await openStore(this.root, options)
    try {
      return await body(store)
    } finally {
      store.close()
    }
  }

  options(): ExecuteOptions {
    const signal = new AbortController().signal
    return { jobs: 4, signal, emit: (event) => void this.events.push(event) }
  }

  ran(): string[] {
    return existsSync(this.ranFile) ? readFileSync(this.ranFile, 'utf8').trim().split('\n') : []
  }

  warnings(): string[] {
    return this.events.flatMap((e) => (e.type === 'warning' ? e.diagnostic.message : []))
  }

  done(id: string) {
    return this.events.flatMap((e) => (e.type === 'stageDone' && e.stage === id ? e : []))
  }

  async text(id: string, stages: readonly Stage[]): Promise<string> {
    const artifacts = await this.execute(stages, { want: [id] })
    return await readFile(join(artifacts.get(id)!.path, 'text'), 'utf8')
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Path -> digest of every file of the artifacts, and fingerprint -> digest of every result. */
export function contents(root: string): Record<string, string> {
  const all: Record<string, string> = {}
  for (const path of filesBelow(root)) {
    if (path.startsWith('artifacts/') && !path.endsWith('/stat.json')) {
      all[path] = createHash('sha256')
        .update(readFileSync(join(root, path)))
        .digest('hex')
    } else if (path.startsWith('results/')) {
      all[path] = JSON.parse(readFileSync(join(root, path), 'utf8')).digest
    }
  }
  return all
}

/** What a finished run must not leave: claims, temporary, doomed and unfinished things. */
export function leftovers(root: string): string[] {
  const folders = ['tmp', 'trash', 'work', 'claims/run', 'claims/use', 'claims/evict']
  const below = folders.flatMap((f) => readdirSync(join(root, f)).map((name) => `${f}/${name}`))
  return [...below, ...filesBelow(root).filter((path) => path.endsWith('.tmp'))]
}

export function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(root, path)).isFile())
    .sort()
}

/** Changes one byte of a read-only file. */
export async function flipByte(path: string): Promise<void> {
  const data = await readFile(path)
  data[0]! ^= 1
  await chmod(path, 0o644)
  await writeFile(path, data)
}

/** The error that the promise must end with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it was expected to fail')
}

export function noWarning(diagnostic: Diagnostic): never {
  throw new Error(`unexpected warning: ${diagnostic.message}`)
}
