import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { unpackArchive } from '../data/archives/unpack.ts'
import { rememberedDigest } from '../data/file-digest.ts'
import { digestOf } from '../util/digest.ts'
import type { StageKind } from '../graph/stage.ts'

export interface UnpackParams {
  /** Leading folders to leave out of every path: 1 for an npm package. */
  readonly strip?: number | undefined
}

export interface UnpackHints {
  /** A local archive, absolute; without it the bytes are those of the input `content` (a download artifact). */
  readonly path?: string | undefined
}

/** Archive -> its tree under `files/`. Needs: `content`, or `hints.path`, whose bytes the probe digests. */
export const UNPACK: StageKind = {
  kind: 'unpack',
  version: 1,
  describe: 'unpack the archive',
  probe: async (stage, { state }) => {
    const { path } = (stage.hints ?? {}) as UnpackHints
    return path === undefined ? digestOf('') : rememberedDigest(path, state)
  },
  run: async (context) => {
    const { stage, signal, inputs } = context
    const { path } = context.hints as UnpackHints
    const { strip } = context.params as UnpackParams
    const content = inputs['content']?.path ?? ''
    const name = path === undefined ? await downloadedName(content) : basename(path)
    let told = 0
    const progress = (done: number, total: number) => {
      if (done < total && done - told < total / 200) return
      told = done
      context.emit({ type: 'stageProgress', stage: stage.id, done, total, unit: 'bytes' })
    }
    const archive = path ?? join(content, 'content')
    await unpackArchive(archive, join(context.out, 'files'), { signal, progress, strip, name })
  },
}

async function downloadedName(artifact: string): Promise<string> {
  const about = JSON.parse(await readFile(join(artifact, 'about.json'), 'utf8')) as {
    fileName: string
  }
  return about.fileName
}
