import type { RunReport } from '../../src/report/read.ts'
import type { RunRecord } from '../../src/runs/record.ts'
import type { EvaluationFile } from '../../src/stages/evaluate.ts'

/** Names that break out of text, attributes, styles and scripts, and those that HTML may not have at all. */
export const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style></title><svg onload=alert(1)>',
  '&lt;b&gt; & <b>',
  ']]><!--',
  '\u202eevil \u0000\ud800',
] as const

export const DIGEST = 'sha256:8f2c1a0000000000'

/** Three classes, eleven pictures, eight of them right. */
export function evaluationOf(
  classes: readonly string[] = ['blue', 'green', 'red'],
  split = 'test',
): EvaluationFile {
  return {
    split,
    pictures: 11,
    classes,
    figures: { accuracy: 0.727273, loss: 0.61 },
    perClass: [
      { label: classes[0]!, precision: 0.75, recall: 0.75, f1: 0.75, support: 4, auc: undefined },
      { label: classes[1]!, precision: 1, recall: 0.5, f1: 0.666667, support: 4, auc: undefined },
      { label: classes[2]!, precision: 0.6, recall: 1, f1: 0.75, support: 3, auc: undefined },
    ],
    confusion: [
      [3, 0, 1],
      [1, 2, 1],
      [0, 0, 3],
    ],
  }
}

export function recordOf(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    format: 1,
    name: 'little',
    id: '20261124-101500-8f2c1a',
    status: 'done',
    pipeline: DIGEST,
    seed: 8,
    engine: { name: 'wasm', device: 'cpu', version: '4.22.0', threads: 2 },
    started: '2026-11-24T10:15:00Z',
    seconds: 12.5,
    stages: [
      {
        id: 'index',
        kind: 'index',
        cached: true,
        seconds: 0.001,
        fingerprint: DIGEST,
        digest: DIGEST,
        bytes: 2000,
      },
      {
        id: 'train',
        kind: 'train',
        cached: false,
        seconds: 3.2,
        fingerprint: DIGEST,
        digest: DIGEST,
        bytes: 31000,
      },
    ],
    epochs: [
      {
        epoch: 1,
        phase: 1,
        train: { accuracy: 0.5, loss: 1.1 },
        validation: { accuracy: 0.6, loss: 0.9 },
        seconds: 1,
      },
      {
        epoch: 2,
        phase: 1,
        train: { accuracy: 0.7, loss: 0.8 },
        validation: { accuracy: 0.8, loss: 0.7 },
        seconds: 1,
      },
      {
        epoch: 3,
        phase: 2,
        train: { accuracy: 0.9, loss: 0.4 },
        validation: { accuracy: 0.7, loss: 0.75 },
        seconds: 1,
      },
    ],
    metrics: { test: { accuracy: 0.727273, loss: 0.61 } },
    pictures: { train: 36, validation: 10, test: 11 },
    classes: ['blue', 'green', 'red'],
    parameters: { total: 1_234_567, trainable: 3_843 },
    warnings: [],
    environment: { graft: '0.1.0', node: '22.1.0', platform: 'linux-x64', cores: 2 },
    ...changes,
  }
}

export function reportOf(changes: Partial<RunReport> = {}): RunReport {
  return {
    record: recordOf(),
    place: 'runs/little/20261124-101500-8f2c1a',
    evaluations: [evaluationOf()],
    scored: undefined,
    named: undefined,
    thumbnails: new Map(),
    frozen: undefined,
    sheet: undefined,
    resolved: 'name: little\nhead:\n  - Flatten\n',
    ...changes,
  }
}

/** The text of HTML as a reader sees it: tags gone, entities resolved, white space joined. */
export function seen(html: string): string {
  return html
    .replace(/<style>[^]*?<\/style>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim()
}
