import { stringify } from 'yaml'
import type { FolderSeen } from './look.ts'

export interface Template {
  /** The schema's path as seen from the file; for editors. */
  readonly schema: string
  readonly name: string
  /** As seen from the file; undefined: left to a variable. */
  readonly folder: string | undefined
  readonly seen: FolderSeen | undefined
}

/** The sizes for which MobileNetV2 has weights of its own; smaller pictures need no larger ones. */
const SMALL_SIZES = [96, 128, 160]
/** Fewer pictures than this are few for a validation split of a fifth. */
const FEW = 50

/** The text of a new pipeline file: what there is to decide, with a word on each. */
export function writePipeline({ schema, name, folder, seen }: Template): string {
  const path =
    folder === undefined
      ? '"${PICTURES:?a folder with one sub-folder for each class}"'
      : quoted(folder)
  const small = SMALL_SIZES.find((size) => (seen?.side ?? Infinity) <= size)
  const model = small === undefined ? 'EfficientNetLite0' : 'MobileNetV2'
  const reason =
    small === undefined
      ? 'small and accurate; MobileNetV2 and NASNetMobile are others (`pipeline models`)'
      : `has weights for ${small}x${small} pictures (\`pipeline models\` lists others)`
  return [
    `# yaml-language-server: $schema=${schema}`,
    `# $schema: ${schema}`,
    '#',
    ...purpose(seen),
    `# pipeline validate ${name}.yaml     tells all that is wrong with this file`,
    `# pipeline run ${name}.yaml          trains, evaluates and keeps the run under runs/`,
    '',
    `name: ${quoted(name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^\./, '_'))}`,
    'seed: 0                       # the same seed gives the same run',
    '',
    'dataset:',
    '  source:',
    `    path: ${path}`,
    ...splitLines(seen),
    ...(small === undefined
      ? []
      : [`  imageSize: [${small}, ${small}]        # most pictures are no larger`]),
    '  resize: bilinear            # nearest | bilinear | bicubic | lanczos | box',
    '  badImages: fail             # or {skip: 10}: leave so many out at most',
    '',
    'baseModel:',
    `  name: ${model}     # ${reason}`,
    '  weights: imagenet           # pretrained; preprocessing follows from it',
    '',
    'freeze: all                   # the base model stays as it is; docs/freezing.md: train layers of it too',
    '',
    'head:',
    '  - GlobalAveragePooling2D',
    '  - Dropout: 0.2',
    `  - Dense: {units: classes, activation: softmax}${seen ? `   # ${seen.classes.size} classes` : ''}`,
    '',
    'optimizer: {name: Adam, learningRate: 0.001}',
    '',
    'training:',
    '  epochs: 10',
    '  batchSize: 32',
    ...(isUneven(seen)
      ? ['  classWeight: balanced       # some classes have far fewer pictures than others']
      : []),
    '',
    'evaluation:',
    `  metrics: [accuracy, precision, recall, f1]`,
    '',
  ].join('\n')
}

function purpose(seen: FolderSeen | undefined): string[] {
  if (!seen) return ['# Trains a classifier of pictures. PICTURES=folder pipeline run ...']
  const total = [...seen.counts.values()].reduce((sum, count) => sum + count, 0)
  const names = [...seen.classes]
    .slice(0, 6)
    .map(([name, count]) => `${name.replace(/\s+/g, ' ')} ${count}`)
  const more = seen.classes.size > names.length ? ' ...' : ''
  const side = seen.side === undefined ? '' : `; the shorter side is usually ${seen.side} pixels`
  return [
    `# ${total} pictures of ${seen.classes.size} classes (${names.join(', ')}${more})${side}.`,
  ]
}

function splitLines(seen: FolderSeen | undefined): string[] {
  const splits = seen?.splits ?? { train: '.' }
  const smallest = Math.min(...(seen?.classes.values() ?? [FEW]))
  const fraction = smallest < FEW ? 0.3 : 0.2
  const lines = Object.entries(splits).map(
    ([name, folder]) => `    ${name}: ${quoted(String(folder))}`,
  )
  if (!('validation' in splits)) {
    lines.push(
      `    validation: {from: train, fraction: ${fraction}}   # of each class the same part`,
    )
  }
  return ['  splits:', ...lines]
}

/** Whether the largest class has more than three times the pictures of the smallest. */
function isUneven(seen: FolderSeen | undefined): boolean {
  if (!seen) return false
  const counts = [...seen.classes.values()]
  return Math.max(...counts) > 3 * Math.min(...counts)
}

/** A string as YAML writes it; a dollar sign would begin a variable. */
function quoted(text: string): string {
  return stringify(text.replaceAll('$', '$$$$'), { lineWidth: 0 }).trimEnd()
}
