import { buildBaseModel } from '../models/base-model.ts'
import { publishedWeights, type BaseModelOptions } from '../models/published.ts'
import { BASE_MODELS, type BaseModel } from '../models/catalogue.ts'
import {
  countLayers,
  freezeReport,
  type FreezeReport,
  type LayerReport,
} from '../models/freeze-report.ts'
import { describeFreeze } from '../models/freeze.ts'
import type { LayerGraph } from '../models/layer-graph.ts'
import { kerasCount } from '../models/listing.ts'
import { describePreprocessing } from '../models/preprocessing.ts'
import { storeRoot } from '../graph/store-root.ts'
import { openStore } from '../graph/store.ts'
import { sizeOf } from '../program/program.ts'
import { weightsThere, type WeightsThere } from '../runs/weights-there.ts'
import { failure } from '../util/diagnostic.ts'
import { bytesText, countText, plural } from '../util/text.ts'
import { parseFreeze } from './freeze-option.ts'
import type { CommandContext, Output } from './command.ts'
import { tableText, tableWidth, type Column, type TableFormat } from './table-text.ts'

interface ModelsOptions {
  readonly freeze?: string
  readonly alpha?: string
  readonly minimalistic?: boolean
  readonly size?: string
  readonly pooling?: 'none' | 'avg' | 'max'
  readonly top?: boolean
  readonly store?: string
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

interface ModelsContext extends Partial<Pick<CommandContext, 'env' | 'cwd' | 'signal'>> {
  readonly stdout: Pick<Output, 'isTTY' | 'columns'> & { write(text: string): unknown }
}

/** `pipeline models [NAME] [--freeze POLICY]`: the base models, or one of them layer by layer. */
export async function run(
  [name]: readonly (string | readonly string[] | undefined)[],
  options: ModelsOptions,
  context: ModelsContext,
): Promise<void> {
  const { stdout } = context
  const width = tableWidth(stdout)
  stdout.write(
    typeof name === 'string'
      ? await oneModel(name, options, width)
      : await allModels(options, width, context),
  )
}

const OF_ONE_MODEL = ['freeze', 'alpha', 'minimalistic', 'size', 'pooling', 'top'] as const

async function allModels(
  options: ModelsOptions,
  width: number,
  context: ModelsContext,
): Promise<string> {
  const given = OF_ONE_MODEL.find((option) => options[option])
  if (given) {
    throw failure('USAGE', `--${given} is about one model, and none is named`, {
      hint: `pipeline models NAME --${given}${options[given] === true ? '' : ' …'}`,
    })
  }
  const there = await storedWeights(options, context)
  const rows = BASE_MODELS.map((model, i) => ({ ...summary(model), inStore: there[i]! }))
  if (options.json) return json(rows)
  const format = formatOf(options)
  const count = countIn(format)
  const size = (bytes: number) => (format === 'csv' ? String(bytes) : bytesText(bytes))
  const columns: Column<(typeof rows)[number]>[] = [
    { title: 'name', value: (row) => row.name },
    { title: 'size', value: (row) => String(row.inputSize), right: true },
    { title: 'layers', value: (row) => count(row.trunk.layers), right: true, extra: 3 },
    { title: 'parameters', value: (row) => count(row.trunk.parameters), right: true },
    { title: 'bytes', value: (row) => size(row.trunk.bytes), right: true, extra: 5 },
    { title: 'with top', value: (row) => count(row.top.parameters), right: true, extra: 2 },
    {
      title: 'preprocessing',
      value: (row) => describePreprocessing(row.preprocessing),
      extra: 4,
    },
    { title: 'alpha', value: (row) => row.alphas?.join(' ') ?? '', extra: 1 },
    { title: 'in store', value: (row) => inStoreText(row.inStore) },
    {
      title: 'weights',
      value: (row) => (row.published ? `ImageNet, ${row.licence}` : 'none published'),
    },
  ]
  return tableText(columns, rows, format, width)
}

async function storedWeights(
  { store: folder }: ModelsOptions,
  { env = process.env, cwd = process.cwd(), signal }: ModelsContext,
): Promise<WeightsThere[]> {
  const store = await openStore(storeRoot(env, folder, cwd), { readOnly: true })
  try {
    return await weightsThere(BASE_MODELS, store, signal ?? new AbortController().signal)
  } finally {
    store.close()
  }
}

function inStoreText({ trunk, whole }: WeightsThere): string {
  if (trunk && whole) return 'yes'
  return trunk ? 'trunk' : whole ? 'with top' : ''
}

function summary(model: BaseModel) {
  const { name, family, inputSize, minSize, preprocessing, rescalesInside, licence } = model
  const figures = (includeTop: boolean) => {
    const graph = buildBaseModel({ name, includeTop, imagenet: true })
    const parameters = parametersOf(graph)
    // float32, as the store has them.
    return { layers: kerasCount(graph), parameters, bytes: 4 * parameters }
  }
  return {
    name,
    family,
    inputSize,
    minSize,
    trunk: figures(false),
    top: figures(true),
    preprocessing,
    rescalesInside,
    alphas: model.alphas,
    licence,
    published: publishedWeights({ name }) !== undefined,
    labels: model.labels,
  }
}

async function oneModel(name: string, options: ModelsOptions, width: number): Promise<string> {
  const graph = buildBaseModel(baseModelOptions(name, options))
  const policy = await parseFreeze(options.freeze ?? 'none')
  const report = freezeReport(graph, policy)
  const frozen = options.freeze !== undefined
  if (options.json)
    return json(frozen ? { name, freeze: policy, ...report } : unfrozen(name, report))
  const format = formatOf(options)
  const count = countIn(format)
  const columns: Column<LayerReport>[] = [
    { title: 'index', value: (layer) => String(layer.index ?? ''), right: true, extra: 3 },
    { title: 'layer', value: (layer) => layer.name },
    { title: 'class', value: (layer) => layer.kind, extra: 1 },
    { title: 'output', value: (layer) => layer.shape.join('x'), extra: 2 },
    { title: 'parameters', value: (layer) => count(layer.parameters), right: true },
    ...(frozen ? TRAINING : []),
  ]
  const table = tableText(columns, report.layers, format, width)
  if (format !== 'text') return table
  const lines = frozen ? freezeLines(report, describeFreeze(policy)) : totalLines(report)
  return `${table}\n${lines.join('\n')}\n`
}

/** The report without what only a policy gives a meaning. */
function unfrozen(name: string, { layers, parameters, tensors }: FreezeReport) {
  return {
    name,
    layers: layers.map(({ index, name: layer, kind, shape, parameters: count }) => {
      return { index, name: layer, kind, shape, parameters: count }
    }),
    parameters: parameters.total,
    tensors: tensors.total,
  }
}

function totalLines({ layers, parameters }: FreezeReport): string[] {
  return [`${plural(countLayers(layers), 'layer')}, ${plural(parameters.total, 'parameter')}`]
}

function freezeLines(report: FreezeReport, policy: string): string[] {
  const { layers, parameters, tensors, frontier, frontierBytes } = report
  const frozen = countLayers(layers.filter((layer) => layer.frozen))
  const modes = layers.flatMap(({ batchNorm }) => batchNorm ?? [])
  const inference = modes.filter((mode) => mode === 'inference').length
  return [
    `freeze: ${policy}: ${countText(frozen)} of ${plural(countLayers(layers), 'layer')} frozen`,
    `trained: ${countText(parameters.trainable)} of ${plural(parameters.total, 'parameter')}, in ${plural(tensors.trainable, 'tensor')}`,
    `batch norm: ${inference} in inference, with their averages; ${modes.length - inference} in training, with the batch's statistics`,
    `frontier: ${plural(frontier.length, 'tensor')}, ${bytesText(frontierBytes)} a picture`,
    ...frontier.map(
      ({ layer, shape, bytes }) => `  ${layer} [${shape.join(', ')}] ${bytesText(bytes)}`,
    ),
  ]
}

/** Whole numbers for people; for programs without the commas. */
function countIn(format: TableFormat): (count: number) => string {
  return format === 'csv' ? String : countText
}

const TRAINING: readonly Column<LayerReport>[] = [
  {
    title: 'training',
    value: ({ frozen, parameters }) => (frozen ? 'frozen' : parameters > 0 ? 'trained' : ''),
  },
  { title: 'batch norm', value: ({ batchNorm }) => batchNorm ?? '' },
]

function baseModelOptions(name: string, options: ModelsOptions): BaseModelOptions {
  const { alpha, minimalistic, size, pooling, top } = options
  return {
    name,
    pooling,
    includeTop: top,
    alpha: alpha === undefined ? undefined : alphaOption(alpha),
    minimalistic,
    // As a pipeline has it that does not say otherwise.
    imagenet: true,
    inputShape: size === undefined ? undefined : sizeOption(size),
  }
}

function alphaOption(text: string): number {
  const alpha = Number(text)
  if (alpha > 0 && alpha < Infinity) return alpha
  throw failure('USAGE', `--alpha takes a number above 0, got "${text}"`, { hint: '--alpha 0.5' })
}

/** `160`, or `160x224`: height and width. */
function sizeOption(text: string): number[] {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text)
  if (!match) {
    throw failure('USAGE', `--size takes a side or height x width, got "${text}"`, {
      hint: '--size 160, or --size 160x224',
    })
  }
  return [Number(match[1]), Number(match[2] ?? match[1]), 3]
}

function parametersOf(graph: LayerGraph): number {
  const weights = graph.layers.flatMap((layer) => layer.weights)
  return weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
}

function formatOf({ md, csv }: ModelsOptions): TableFormat {
  return md ? 'md' : csv ? 'csv' : 'text'
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
