import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event } from '../../src/graph/event.ts'
import type { Artifact, Stage, StageKind } from '../../src/graph/stage.ts'
import type { JsonObject } from '../../src/util/json.ts'

/** A folder that goes when the test ends: `await using folder = await temporaryFolder()`. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'graft-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface StageRun {
  readonly out: string
  readonly work: string
  readonly events: readonly Event[]
}

/** Runs one stage outside of any plan, its folders below `folder`; what it emits is returned. */
export async function runStage(
  kind: StageKind,
  folder: string,
  options: {
    readonly params: JsonObject
    readonly hints?: JsonObject
    readonly inputs?: Readonly<Record<string, string>>
    readonly signal?: AbortSignal
    readonly name?: string
  },
): Promise<StageRun> {
  const name = options.name ?? kind.kind
  const [out, work, state] = [
    join(folder, name),
    join(folder, `${name}.work`),
    join(folder, 'state'),
  ]
  for (const path of [out, work, state]) await mkdir(path, { recursive: true })
  const events: Event[] = []
  const hints = options.hints ?? {}
  const stage: Stage = { id: name, kind: kind.kind, params: options.params, needs: {}, hints }
  const inputs: Record<string, Artifact> = {}
  for (const [input, path] of Object.entries(options.inputs ?? {})) {
    inputs[input] = { fingerprint: 'sha256:0', digest: 'sha256:0', path, bytes: 0 }
  }
  await kind.run({
    stage,
    params: options.params,
    hints,
    inputs,
    out,
    fresh: false,
    work,
    state,
    remember: () => undefined,
    emit: (event) => events.push(event),
    signal: options.signal ?? new AbortController().signal,
  })
  return { out, work, events }
}
