import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { channelsOf, type PixelParams } from '../data/picture.ts'
import { packPictures } from '../data/pixels.ts'
import { bySplit, readIndex, type IndexSummary } from '../data/index-table.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'

export interface PixelHints {
  /** A local folder of pictures, absolute; without it they are those of the input `files` (an unpack artifact). */
  readonly path?: string | undefined
  /** Decoding processes; default: one a core. */
  readonly workers?: number | undefined
}

/**
 * Decodes and resizes every picture of the index once. Needs: `index`, and `files` unless `hints.path` is given.
 * The artifact: `<split>.pack` and `<split>.json` for each split, uint8 `[pictures, height, width, channels]`, in the
 * index order of the split. Params: PixelParams; numerics: `pixelNumerics()`.
 */
export const PIXELS: StageKind = {
  kind: 'pixels',
  version: 1,
  describe: 'decode and resize the pictures',
  run: async (context) => {
    const hints = context.hints as PixelHints
    const index = await readIndex(context.inputs['index']!.path)
    const root = hints.path ?? join(context.inputs['files']!.path, 'files')
    const report = progress(context, index.rows.length)
    const splits = [...new Set(index.rows.map(({ split }) => split))].sort(bySplit)
    let before = 0
    for (const split of splits) {
      const pictures = index.split(split)
      await packPictures({
        pack: join(context.out, split),
        root,
        pictures,
        params: context.params as unknown as PixelParams,
        workers: hints.workers,
        signal: context.signal,
        progress: (done) => report(before + done),
      })
      before += pictures.length
    }
  },
  estimate: async (stage, inputs) => {
    const index = inputs['index']
    if (index === undefined) return {}
    const params = stage.params as unknown as PixelParams
    const summary = JSON.parse(
      await readFile(join(index.path, 'summary.json'), 'utf8'),
    ) as IndexSummary
    const count = Object.values(summary.splits).reduce((sum, split) => sum + split.count, 0)
    const [height, width] = params.imageSize
    return { bytes: count * height * width * channelsOf(params), seconds: count * SECONDS }
  },
}

/** A picture of half a megapixel, decoded on two cores. */
const SECONDS = 0.002

/** Emits at most ten events a second, and the last one. */
function progress(context: StageContext, total: number): (done: number) => void {
  let last = 0
  return (done) => {
    const now = performance.now()
    if (now - last < 100 && done < total) return
    last = now
    context.emit({ type: 'stageProgress', stage: context.stage.id, done, total, unit: 'pictures' })
  }
}
