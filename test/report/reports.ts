import { pictureKey } from '../../src/report/pictures.ts'
import type { FrozenLayers, RunReport } from '../../src/report/read.ts'
import type { Scored } from '../../src/report/scored.ts'
import type { Thumbnail } from '../../src/report/thumbnail.ts'
import type { PhaseReport } from '../../src/runs/phase-report.ts'
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

/** What `evaluationOf` counts, picture by picture. */
export function scoredOf(): Scored[] {
  const line = (i: number, label: string, predicted: string, probability: number, loss: number) => {
    const truth = label === predicted ? {} : { ofTruth: i === 3 ? 0.01 : 0.3 }
    return {
      split: 'test',
      image: `test/${label}/${i}.png`,
      label,
      predicted,
      probability,
      loss,
      ...truth,
    }
  }
  return [
    line(0, 'blue', 'blue', 0.55, 0.6),
    line(1, 'blue', 'blue', 0.91, 0.09),
    line(2, 'blue', 'blue', 0.99, 0.01),
    line(3, 'blue', 'red', 0.97, 4.6),
    line(4, 'green', 'green', 0.8, 0.22),
    line(5, 'green', 'green', 0.7, 0.36),
    line(6, 'green', 'blue', 0.6, 1.2),
    line(7, 'green', 'red', 0.5, 1.1),
    line(8, 'red', 'red', 0.9, 0.1),
    line(9, 'red', 'red', 0.95, 0.05),
    line(10, 'red', 'red', 0.99, 0.01),
  ]
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

/** As many classes, each named right but for the first, which is taken for the second. */
export function manyClasses(count: number, split = 'test'): EvaluationFile {
  const names = Array.from({ length: count }, (_, i) => `class ${i}`)
  const confusion = names.map((_, truth) => names.map((_, p): number => (p === truth ? 4 : 0)))
  confusion[0]![0] = 1
  confusion[0]![1] = 3
  const perClass = names.map((label, i) => {
    const figures = { precision: i === 1 ? 4 / 7 : 1, recall: i === 0 ? 0.25 : 1, auc: 0.9 }
    return { label, ...figures, f1: i === 0 ? 0.4 : i === 1 ? 0.727273 : 1, support: 4 }
  })
  return { ...evaluationOf(undefined, split), classes: names, confusion, perClass }
}

export const PHASES: readonly PhaseReport[] = [
  {
    phase: 1,
    stage: 'train',
    epochs: [1, 3],
    freeze: '{first: 2}',
    layers: { total: 3, frozen: 2 },
    parameters: { total: 100, trained: 40 },
    tensors: { total: 6, trained: 2 },
    batchNorm: { inference: 1, training: 0 },
    frontier: [{ layer: 'pool', shape: [4], bytes: 16 }],
    features: {
      kept: 'kept',
      tensors: [{ layer: 'pool', shape: [4], bytes: 16 }],
      splits: ['train'],
    },
  },
]
export const FROZEN: readonly FrozenLayers[] = [
  {
    phase: 1,
    layers: [
      { name: 'conv', parameters: 60, frozen: true },
      { name: 'bn', parameters: 40, frozen: true, batchNorm: 'inference' },
      { name: 'dense', part: 'head', parameters: 12, frozen: false },
    ],
  },
]

/** A run of which everything is known. */
export function fullReport(picture: Thumbnail): RunReport {
  const scored = scoredOf()
  const warnings = [
    { code: 'NOTE', message: 'the pictures are small', hint: 'take larger ones' },
  ] as const
  return reportOf({
    record: recordOf({ phases: PHASES, warnings }),
    evaluations: [evaluationOf(), evaluationOf(undefined, 'validation')],
    scored,
    thumbnails: new Map(scored.map((one) => [pictureKey(one), picture])),
    frozen: FROZEN,
    sheet: picture,
  })
}

export function reportOf(changes: Partial<RunReport> = {}): RunReport {
  return {
    record: recordOf(),
    tags: [],
    note: undefined,
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
