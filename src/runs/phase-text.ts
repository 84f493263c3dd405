import { bytesText, countText, plural, secondsText } from '../util/text.ts'
import type { KeptTensor, PhaseReport } from './phase-report.ts'
import type { PhaseSeconds } from './phase-seconds.ts'

/** One thing about a phase, for a list: a label of one or two words and a sentence. */
export interface PhaseLine {
  readonly label: string
  readonly text: string
}

export interface PhaseTextOptions {
  readonly seconds?: PhaseSeconds | undefined
  /** `features.maxBytes`. */
  readonly maxBytes?: number | undefined
}

/** `train: epochs 1 to 5`. */
export function phaseTitle({ stage, epochs: [first, last] }: PhaseReport): string {
  return `${stage}: ${first === last ? `epoch ${first}` : `epochs ${first} to ${last}`}`
}

/** What a phase freezes, what its batch normalizations do, where the frontier is, and what is kept there. */
export function phaseLines(report: PhaseReport, options: PhaseTextOptions = {}): PhaseLine[] {
  const { batchNorm, frontier, layers, unchanged } = report
  const bytes = frontier.reduce((sum, tensor) => sum + tensor.bytes, 0)
  const across = `${tensorsText(frontier)}: ${bytesText(bytes)} a picture`
  return [
    { label: 'freeze', text: freezeText(report) },
    ...(batchNorm.inference + batchNorm.training > 0
      ? [{ label: 'batch norm', text: batchNormText(report) }]
      : []),
    ...(layers.frozen > 0 ? [{ label: 'frontier', text: across }] : []),
    ...(layers.frozen > 0 ? [{ label: 'kept', text: keptText(report, options) }] : []),
    ...(unchanged ? [{ label: 'unchanged', text: unchangedText(unchanged) }] : []),
  ]
}

/** `{first: 100}: 100 of 154 layers frozen; 1,861,440 of the trunk's 2,257,984 parameters train, in 54 tensors`. */
export function freezeText({ freeze, layers, parameters, tensors }: PhaseReport): string {
  const frozen = `${countText(layers.frozen)} of ${plural(layers.total, 'layer')} frozen`
  const total = plural(parameters.total, 'parameter')
  if (parameters.trained === 0) return `${freeze}: ${frozen}; none of the trunk's ${total} trains`
  const trained = `${countText(parameters.trained)} of the trunk's ${total} train`
  return `${freeze}: ${frozen}; ${trained}, in ${plural(tensors.trained, 'tensor')}`
}

function batchNormText({ batchNorm: { inference, training } }: PhaseReport): string {
  const parts = [
    ...(inference > 0 ? [`${inference} in inference, with their averages`] : []),
    ...(training > 0 ? [`${training} in training, with the batch's statistics`] : []),
  ]
  return parts.join('; ')
}

function unchangedText({ tensors, values }: NonNullable<PhaseReport['unchanged']>): string {
  const of = `${plural(values, 'frozen value')} in ${plural(tensors, 'tensor')}`
  return `${of}, compared bit for bit after training`
}

function keptText({ features }: PhaseReport, options: PhaseTextOptions): string {
  const { kept, tensors, splits, bytes } = features
  const { seconds, maxBytes = 0 } = options
  const once = seconds && `about ${timeText(seconds.once)} once`
  const [withThem, without] = seconds
    ? [timeText(seconds.epoch.kept), timeText(seconds.epoch.run)]
    : []
  const picture = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0)
  if (kept === 'kept') {
    const isPart = !splits.includes('train')
    const of = isPart ? ` of ${splits.join(' and ')} alone, training pictures are drawn anew` : ''
    const all = bytes === undefined ? '' : `, ${bytesText(bytes)} in all`
    const what = `${tensorsText(tensors)}: ${bytesText(picture)} a picture${all}${of}`
    if (seconds) return `${what}; ${once}, then ${withThem} an epoch instead of ${without}`
    return bytes === undefined && maxBytes > 0 ? `${what}; ${ifTheyFit(picture, maxBytes)}` : what
  }
  const why: Readonly<Record<typeof kept, string>> = {
    nothing: 'trained layers stand before all that is frozen',
    never: 'features is never',
    quick: 'it would save no time',
    budget: `${bytesText(bytes ?? 0)} would pass features.maxBytes`,
  }
  const text = `nothing, ${why[kept]}: the frozen layers run at each step`
  if (!seconds) return text
  const otherwise = kept === 'nothing' ? '' : ` (kept: ${once}, then ${withThem})`
  return `${text}, about ${without} an epoch${otherwise}`
}

function timeText(seconds: number): string {
  return seconds < 0.1 ? 'under 0.1 s' : secondsText(seconds)
}

function ifTheyFit(picture: number, maxBytes: number): string {
  const most = countText(Math.floor(maxBytes / picture))
  return `decided once the pictures are indexed: ${bytesText(maxBytes)} are enough for ${most} of them`
}

/** At most four by name. */
function tensorsText(tensors: readonly KeptTensor[]): string {
  const names = tensors.slice(0, tensors.length > 4 ? 3 : 4).map(tensorText)
  const more = tensors.length - names.length
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ')
}

function tensorText({ layer, shape }: KeptTensor): string {
  return `${layer} ${shape.join('x')}`
}
