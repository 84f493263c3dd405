import { sizeOf } from '../program/program.ts'
import { multiplyAdds } from './cost.ts'
import { consumersOf } from './fold.ts'
import type { Layer, LayerGraph } from './layer-graph.ts'
import { definitionOf } from './layers/table.ts'

/**
 * The frontier: the outputs of frozen layers that layers behind them, the trained ones, take; in the graph's order.
 * A frozen layer behind a trained one is not part of it: what comes in there changes with every step. With nothing
 * frozen it is the input; with all frozen and nothing behind, the output.
 */
export function frontierOf(graph: LayerGraph, frozen: ReadonlySet<string>): Layer[] {
  const still = stillLayers(graph, frozen)
  const inside = new Set<Layer>([graph.input])
  const include = (layer: Layer): void => {
    if (inside.has(layer)) return
    inside.add(layer)
    layer.inputs.forEach(include)
  }
  // what stands before a frozen layer belongs to it, flagged or not: it has nothing to train
  for (const layer of graph.layers) {
    if (still.has(layer) && frozen.has(layer.name)) include(layer)
  }
  const consumers = consumersOf(graph)
  return graph.layers.filter(
    (layer) =>
      inside.has(layer) &&
      (layer === graph.output || consumers.get(layer.name)!.some((next) => !inside.has(next))),
  )
}

/** Multiply-adds that take about as long as reading one stored number back: four bytes from a disk's cache. */
const MULTIPLY_ADDS_OF_A_NUMBER = 160

/**
 * The layers whose outputs to keep so that training need not run what is frozen again, at the least cost a
 * picture: a minimum cut, of the numbers kept and, where `recompute` allows it, of the work that is cheaper done again at each step: MobileNetV2's
 * `{first: 100}` keeps the 64 channels before its last frozen expansion, not the 384 behind it. Layers without weights behind the cut, head layers included, are run again: NASNetMobile's eight tensors of `{first: 600}` become the four they are copies of, and a
 * head that begins with a pooling layer keeps the pooled features alone.
 */
export function cheapestCut(
  graph: LayerGraph,
  frozen: ReadonlySet<string>,
  { recompute = false }: { readonly recompute?: boolean } = {},
): Layer[] {
  const still = stillLayers(graph, frozen)
  const layers = graph.layers.filter((layer) => still.has(layer))
  const consumers = consumersOf(graph)
  const frontier = new Set(frontierOf(graph, frozen))
  const flow = new FlowNetwork(2 * layers.length + 2)
  const source = 2 * layers.length
  const sink = source + 1
  const position = new Map(layers.map((layer, i) => [layer, i]))
  for (const [i, layer] of layers.entries()) {
    // equal bytes: the fewest tensors, and rather the frontier's own
    flow.edge(2 * i, 2 * i + 1, sizeOf(layer.outputShape) * 4096 + (frontier.has(layer) ? 2 : 3))
    const again = recompute
      ? (4096 * multiplyAdds({ layers: [layer] })) / MULTIPLY_ADDS_OF_A_NUMBER
      : Infinity
    if (layer === graph.input) flow.edge(source, 2 * i, Infinity)
    else if (layer.weights.length > 0) flow.edge(source, 2 * i, again)
    const behind = consumers.get(layer.name)!
    const wanted = layer === graph.output || behind.some((next) => !still.has(next))
    if (wanted) flow.edge(2 * i + 1, sink, Infinity)
    for (const next of behind) {
      const to = position.get(next)
      if (to !== undefined) flow.edge(2 * i + 1, 2 * to, Infinity)
    }
  }
  const before = flow.cut(source, sink)
  return layers.filter((_, i) => before.has(2 * i) && !before.has(2 * i + 1))
}

/** The layers whose output for one picture never changes in training: nothing trained or random up to them. */
export function stillLayers(graph: LayerGraph, frozen: ReadonlySet<string>): Set<Layer> {
  const still = new Set<Layer>()
  for (const layer of graph.layers) {
    const { random = false, fixed = false } = definitionOf(layer.kind)
    const acts = random || (layer.weights.length > 0 && !fixed)
    if (acts && !frozen.has(layer.name)) continue
    if (layer.inputs.every((input) => still.has(input))) still.add(layer)
  }
  return still
}

/** Maximum flow by shortest augmenting ways (Edmonds and Karp); a few hundred nodes, a dozen ways. */
class FlowNetwork {
  readonly #edges: { readonly to: number; left: number }[] = []
  readonly #from: number[][]

  constructor(nodes: number) {
    this.#from = Array.from({ length: nodes }, () => [])
  }

  /** Edge 2k and its reverse 2k + 1. */
  edge(from: number, to: number, capacity: number): void {
    this.#from[from]!.push(this.#edges.length)
    this.#edges.push({ to, left: capacity })
    this.#from[to]!.push(this.#edges.length)
    this.#edges.push({ to: from, left: 0 })
  }

  /** The source's side of a minimum cut, the smallest there is. */
  cut(source: number, sink: number): Set<number> {
    for (;;) {
      const via = this.#reach(source)
      if (!via.has(sink)) return new Set(via.keys())
      const way: number[] = []
      for (let node = sink; node !== source;) {
        const edge = via.get(node)!
        way.push(edge)
        node = this.#edges[edge ^ 1]!.to
      }
      const amount = Math.min(...way.map((edge) => this.#edges[edge]!.left))
      for (const edge of way) {
        this.#edges[edge]!.left -= amount
        this.#edges[edge ^ 1]!.left += amount
      }
    }
  }

  /** The nodes that flow can still reach, each with the edge it is reached by (-1: the source). */
  #reach(source: number): Map<number, number> {
    const via = new Map([[source, -1]])
    for (const node of via.keys()) {
      for (const edge of this.#from[node]!) {
        const { to, left } = this.#edges[edge]!
        if (left > 0 && !via.has(to)) via.set(to, edge)
      }
    }
    return via
  }
}
