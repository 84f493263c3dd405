import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '../graph/stage.ts'

/** A train artifact's file with one line an epoch, those of earlier phases first. */
export const HISTORY_FILE = 'history.jsonl'

export async function readHistory(model: Artifact): Promise<string[]> {
  const text = await readFile(join(model.path, HISTORY_FILE), 'utf8')
  return text.split('\n').filter((line) => line !== '')
}
