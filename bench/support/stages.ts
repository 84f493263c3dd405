import { mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Artifact, Stage, StageKind } from '../../src/graph/stage.ts'
import type { StageEnvironment } from '../../src/stages/environment.ts'
import { featuresKind } from '../../src/stages/features.ts'
import { INDEX } from '../../src/stages/index.ts'
import { PIXELS } from '../../src/stages/pixels.ts'
import type { TrunkOptions } from '../../src/training/trunk.ts'
import type { JsonObject } from '../../src/util/json.ts'
import { SIZE } from './trunks.ts'

/** Artifacts of the stages `index` and `features`. */
export interface FolderFeatures {
  readonly index: string
  /** Has the pack `train/LAYER`. */
  readonly features: string
}

/**
 * Runs the stages `index`, `pixels` and `features` on a folder that has one folder of pictures for each class, from the
 * beginning, below `out`. `weights` is the path of an artifact of the stage `weights`.
 */
export async function folderFeatures(
  environment: StageEnvironment,
  { pictures, weights, out, ...options }: FolderOptions,
): Promise<FolderFeatures> {
  const { index, pixels } = await folderPixels(pictures, out)
  const features = await runStage(featuresKind(environment), out, {
    params: { ...(options as unknown as JsonObject), split: 'train', dtype: 'float32' },
    inputs: { pixels, weights },
  })
  return { index, features }
}

/** The stages `index` and `pixels` alone; the pack is `train` in the folder `pixels`. */
export async function folderPixels(
  pictures: string,
  out: string,
  size = SIZE,
): Promise<{ readonly index: string; readonly pixels: string }> {
  rmSync(out, { recursive: true, force: true })
  const folder = resolve(pictures)
  const hints = { path: dirname(folder) }
  const index = await runStage(INDEX, out, {
    params: { splits: { train: basename(folder) } },
    hints,
  })
  const params = { ...PIXEL_PARAMS, imageSize: [size, size] }
  return { index, pixels: await runStage(PIXELS, out, { params, hints, inputs: { index } }) }
}

export interface FolderOptions extends TrunkOptions {
  readonly pictures: string
  readonly weights: string
  readonly out: string
}

const PIXEL_PARAMS: JsonObject = {
  split: 'train',
  resize: 'bilinear',
  fit: 'stretch',
  colorMode: 'rgb',
  transparency: 'drop',
  exif: false,
}

/** Runs a stage outside of any plan, its folders below `folder`; `inputs` are paths. Returns the path of its output. */
async function runStage(
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
    fresh: false,
    work: work!,
    state: state!,
    remember: () => undefined,
    emit: () => undefined,
    signal: new AbortController().signal,
  })
  return out!
}
