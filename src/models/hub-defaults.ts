import type { Preprocessing } from './preprocessing.ts'

/** TensorFlow Hub's convention for image models: values in 0..1. */
export const HUB_PREPROCESSING: Preprocessing = { rescale: 1 / 255 }

/** Trained sizes of families whose handles do not tell them; EfficientNet's are Tan and Le's (arXiv 1905.11946, 2104.00298). */
const SIZES: readonly (readonly [RegExp, number])[] = [
  [/inception_(v[34]|resnet_v2)|xception/, 299],
  [/nasnet_large|pnasnet_large/, 331],
]
const EFFICIENTNET = [224, 240, 260, 300, 380, 456, 528, 600]
const EFFICIENTNET_LITE = [224, 240, 260, 280, 300]
const EFFICIENTNET_V2 = { b0: 224, b1: 240, b2: 260, b3: 300, s: 384, m: 480, l: 512, xl: 512 }

/** The height and width that a module was trained at, as far as its handle tells; most were at 224. */
export function hubImageSize(handle: string): readonly [number, number] {
  const size = trainedAt(handle.toLowerCase())
  return [size, size]
}

function trainedAt(handle: string): number {
  const named =
    /(?:^|[_/-])(96|128|160|192|224|240|260|299|300|331|384|448|480|512)(?:[_/-]|$)/.exec(handle)
  if (named) return Number(named[1])
  const v2 = /efficientnet_?v2[^/]*?[_-](b[0-3]|s|m|l|xl)(?:[_/-]|$)/.exec(handle)
  if (v2) return EFFICIENTNET_V2[v2[1] as keyof typeof EFFICIENTNET_V2]
  const lite = /lite([0-4])/.exec(handle)
  if (/efficientnet/.test(handle) && lite) return EFFICIENTNET_LITE[Number(lite[1])]!
  const b = /efficientnet.*[/_-]b([0-7])(?:[_/-]|$)/.exec(handle)
  if (b) return EFFICIENTNET[Number(b[1])]!
  return SIZES.find(([pattern]) => pattern.test(handle))?.[1] ?? 224
}
