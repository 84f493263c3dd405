import type { Node } from './program.ts'
import { sizeOf } from './program.ts'

/** Multiplications, each with an addition, of convolutions and matrix products among the nodes. */
export function multiplyAddsOf(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + ofNode(node), 0)
}

function ofNode({ op, inputs, outputs, attributes }: Node): number {
  const results = sizeOf(outputs[0]?.shape ?? [])
  if (op === 'conv2d') return results * sizeOf(inputs[1]!.shape.slice(0, 3))
  if (op === 'depthwiseConv2d') return results * sizeOf(inputs[1]!.shape.slice(0, 2))
  if (op !== 'matMul') return 0
  const { transposeA } = attributes as { readonly transposeA: boolean }
  return results * inputs[0]!.shape[transposeA ? 0 : 1]!
}
