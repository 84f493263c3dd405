import type { OpAttributes } from '../../../program/ops.ts'
import type { Tensor } from '../../../program/program.ts'
import { layerNameOf, type Known } from './known.ts'
import { layer, type Raised, type RaisedLayer, type Reading } from './raised.ts'

/** Channels of a picture by number, in an order of their own. */
interface Chosen {
  readonly x: Tensor
  readonly channels: readonly number[]
}

/** Of a slice along the channels alone, or of several of one tensor side by side. */
export function chosenChannels({ node }: Tensor): Chosen | undefined {
  if (node.op === 'concat') {
    const parts = node.inputs.map(chosenChannels)
    const x = parts[0]?.x
    if (!x || parts.some((part) => part?.x !== x)) return undefined
    return { x, channels: parts.flatMap((part) => part!.channels) }
  }
  if (node.op !== 'slice') return undefined
  const { begin, size } = node.attributes as OpAttributes['slice']
  const [x] = node.inputs as [Tensor]
  const isWhole = x.shape.slice(0, -1).every((n, axis) => size[axis] === n)
  if (x.shape.length !== 4 || !isWhole) return undefined
  return { x, channels: Array.from({ length: size[3]! }, (_, c) => begin[3]! + c) }
}

export function selection({ x, channels }: Chosen): Raised {
  return { sources: [x], layers: [picking(x.shape[3]!, channels)] }
}

/** No layer picks channels of so many, but a 1x1 convolution by ones and zeros does. */
export function picking(of: number, channels: readonly number[]): RaisedLayer {
  const filters = channels.length
  const kernel = new Float32Array(of * filters)
  for (const [to, from] of channels.entries()) kernel[from * filters + to] = 1
  const settings = { filters, kernelSize: [1, 1], useBias: false } as const
  const picked = layer('Conv2D', settings, { name: 'channels', weights: { kernel } })
  return { ...picked, fixed: true }
}

/** A convolution in groups, as it is imported: of each share of the channels by its own kernel, side by side. */
export function grouped(t: Tensor, { known, alone }: Reading): Raised | undefined {
  const parts = t.node.inputs.map((part) => (alone(part) ? groupOf(part, known) : undefined))
  const [first] = parts
  if (!first || parts.length < 2) return undefined
  const like = (part: typeof first | undefined) =>
    part?.x === first.x &&
    part.kernel.shape.join() === first.kernel.shape.join() &&
    JSON.stringify(part.attributes) === JSON.stringify(first.attributes)
  const channels = parts.flatMap((part) => (part && like(part) ? part.channels : []))
  const isAll = channels.length === first.x.shape[3] && channels.every((c, i) => c === i)
  const { strides, padding, dilations } = first.attributes
  if (!isAll || !parts.every(like) || dilations.some((n) => n !== 1)) return undefined
  const [rows, columns, , each] = first.kernel.shape as [number, number, number, number]
  const filters = each * parts.length
  const kernels = parts.map((part) => known.floats(part!.kernel))
  const kernel = new Float32Array(kernels[0]!.length * parts.length)
  for (const [group, own] of kernels.entries()) {
    own.forEach((v, i) => {
      kernel[Math.floor(i / each) * filters + group * each + (i % each)] = v
    })
  }
  const settings = { filters, groups: parts.length, kernelSize: [rows, columns] as const }
  const name = layerNameOf(known.leaves(parts.map((part) => part!.kernel)))
  const whole = { ...settings, strides, padding, useBias: false }
  return { sources: [first.x], layers: [layer('Conv2D', whole, { name, weights: { kernel } })] }
}

function groupOf({ node }: Tensor, known: Known) {
  const [part, kernel] = node.inputs
  if (node.op !== 'conv2d' || !known.has(kernel!)) return undefined
  const chosen = chosenChannels(part!)
  const attributes = node.attributes as OpAttributes['conv2d']
  return chosen && { ...chosen, kernel: kernel!, attributes }
}
