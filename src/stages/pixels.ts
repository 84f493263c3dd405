import { join } from 'node:path'
import { channelsOf, type PixelParams } from '../data/picture.ts'
import { packPictures } from '../data/pixels.ts'
import { readPictures } from '../data/index-table.ts'
import type { StageContext, StageKind } from '../graph/stage.ts'

export interface PixelHints {
  /** A local folder of pictures, absolute; without it they are those of the input `files` (an unpack artifact). */
  readonly path?: string | undefined
  /** Decoding processes; default: one a core. */
  readonly workers?: number | undefined
}

export type PixelStageParams = PixelParams & { readonly split: string }

/**
 * Decodes and resizes every picture of one split once. Needs: `index` (the split's pictures of it), and `files`
 * unless `hints.path` is given. The artifact: `<split>.pack` and `<split>.json`, uint8
 * `[pictures, height, width, channels]`, in index order. Numerics: `pixelNumerics()`.
 */
export const PIXELS: StageKind = {
  kind: 'pixels',
  version: 1,
  describe: 'decode and resize the pictures',
  run: async (context) => {
    const { split, ...params } = context.params as unknown as PixelStageParams
    const hints = context.hints as PixelHints
    const pictures = await readPictures(context.inputs['index']!.path, split)
    await packPictures({
      pack: join(context.out, split),
      root: hints.path ?? join(context.inputs['files']!.path, 'files'),
      pictures,
      params,
      workers: hints.workers,
      signal: context.signal,
      progress: progress(context, pictures.length),
    })
  },
  estimate: async (stage, inputs) => {
    const index = inputs['index']
    if (index === undefined) return {}
    const params = stage.params as unknown as PixelStageParams
    const count = (await readPictures(index.path, params.split)).length
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
