import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { Diagnostic } from '../util/diagnostic.ts'
import { bytesText, plural } from '../util/text.ts'

/** In the work folder while a process is at it: how much it has had. */
const FILE = 'process.json'
const EVERY_MS = 1000

interface Mark {
  readonly batch: number
  /** Bytes. */
  readonly peak: number
}

/**
 * The kernel ends a process that takes too much memory without a word. So the work folder says how much it has had, and
 * where the process before was ended and had most of the machine's memory, that is told now. Returns how to stop.
 */
export function watchPeak(
  work: string,
  { batch, hint }: { readonly batch: number; readonly hint: string },
  warn: (diagnostic: Diagnostic) => void,
): () => void {
  const path = join(work, FILE)
  const before = readMark(path)
  const memory = Math.min(totalmem(), process.constrainedMemory() || Infinity)
  if (before && before.peak > memory / 2) warn(killed(before, memory, hint))
  let written = 0
  const write = (): void => {
    const peak = process.resourceUsage().maxRSS * 1024
    if (peak < 1.1 * written) return
    written = peak
    try {
      writeFileSync(path, JSON.stringify({ batch, peak } satisfies Mark))
    } catch {
      // Only ever a help: a full disk is told by what has to be written.
    }
  }
  write()
  const timer = setInterval(write, EVERY_MS).unref()
  const stop = (): void => {
    clearInterval(timer)
    process.off('exit', stop)
    rmSync(path, { force: true })
  }
  // A process that ends itself was not killed.
  process.on('exit', stop)
  return stop
}

function readMark(path: string): Mark | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Mark
  } catch {
    return undefined
  }
}

function killed({ batch, peak }: Mark, memory: number, hint: string): Diagnostic {
  return {
    code: 'OUT_OF_MEMORY',
    severity: 'warning',
    message: `the process that trained here before was killed; with batches of ${plural(batch, 'picture')} it had ${bytesText(peak)} of the ${bytesText(memory)} there are, so memory may have run out`,
    hint,
  }
}
