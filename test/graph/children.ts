import { spawn, type SpawnOptions } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../support/paths.ts'
import type { Stage } from '../../src/graph/stage.ts'
import type { ChildJob } from './child.ts'
import type { Rig } from './rig.ts'

type Line = Readonly<Record<string, unknown>>

/** Starts `child.ts` on the rig's store. */
export function startChild(
  rig: Rig,
  stages: readonly Stage[],
  more: Partial<ChildJob> = {},
  options: SpawnOptions = {},
) {
  const job: ChildJob = { root: rig.root, ran: rig.ranFile, stages, ...more }
  const child = spawn(
    process.execPath,
    [join(ROOT, 'dist/test/graph/child.js'), JSON.stringify(job)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...options,
    },
  )
  const lines: Line[] = []
  const waiting: { wants: (line: Line) => boolean; resolve: (line: Line) => void }[] = []
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (text + chunk).split('\n')
    text = parts.pop()!
    for (const part of parts) {
      const line = JSON.parse(part) as Line
      lines.push(line)
      for (const w of waiting) if (w.wants(line)) w.resolve(line)
    }
  })
  const exit = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const line = (wants: (line: Line) => boolean) =>
    new Promise<Line>((resolve, reject) => {
      const there = lines.find(wants)
      if (there) resolve(there)
      waiting.push({ wants, resolve })
      void exit.then(() => reject(new Error(`the child ended: ${JSON.stringify(lines)}`)))
    })
  const started = line((l) => l['type'] === 'planStarted')
  // Not everybody waits for it.
  started.catch(() => undefined)
  return {
    process: child,
    exit,
    code: () => child.exitCode,
    signal: () => child.signalCode,
    events: () => lines,
    event: (type: string) => line((l) => l['type'] === type),
    stage: (id: string) => line((l) => l['type'] === 'stageStarted' && l['stage'] === id),
    started,
  }
}
