import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Artifact, Stage, StageKind } from '../../src/graph/stage.ts'
import type { JsonObject } from '../../src/util/json.ts'

/** Runs a stage outside of any plan, its folders below `folder`; `inputs` are paths. Returns the path of its output. */
export async function runStage(
  kind: StageKind,
  folder: string,
  {
    params,
    hints = {},
    inputs = {},
  }: { params: JsonObject; hints?: JsonObject; inputs?: Readonly<Record<string, string>> },
): Promise<string> {
  const [out, work, state] = ['out', 'work', 'state'].map((name) => join(folder, kind.kind, name))
  for (const path of [out, work, state]) mkdirSync(path!, { recursive: true })
  const stage: Stage = { id: kind.kind, kind: kind.kind, params, needs: {}, hints }
  const artifact = (path: string): Artifact => ({
    fingerprint: 'sha256:0',
    digest: 'sha256:0',
    path,
    bytes: 0,
  })
  await kind.run({
    stage,
    params,
    hints,
    inputs: Object.fromEntries(Object.entries(inputs).map(([k, path]) => [k, artifact(path)])),
    out: out!,
    work: work!,
    state: state!,
    remember: () => undefined,
    emit: () => undefined,
    signal: new AbortController().signal,
  })
  return out!
}
