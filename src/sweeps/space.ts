import type { SweepBlock, Values } from '../pipeline/sweep-block.ts'
import { canonicalJson, type Json } from '../util/json.ts'
import { droppedBy, groupsOf, isExcluded } from './candidates.ts'
import { valuesOf, type Dimension, type Domain, type Point } from './domain.ts'

/** The parameters of a sweep as samplers see them: a zip is one dimension, and one that a rule drops is not active. */
export interface Space {
  readonly dimensions: readonly Dimension[]
  /** The parameters that a point stands for. */
  readonly values: (point: Point) => Values
  /** The point of a trial's parameters; undefined where they are none of this space (any more). */
  readonly point: (values: Values) => Point | undefined
  readonly isAllowed: (point: Point) => boolean
}

export function spaceOf(block: SweepBlock): Space {
  const groups = groupsOf(block)
  const zips = groups.filter(({ keys }) => keys.length > 1)
  const zipOf = (key: string) => zips.find(({ keys }) => keys.includes(key))
  const dimensions: Dimension[] = []
  for (const [key, parameter] of block.parameters) {
    const zip = zipOf(key)
    if (zip && zip.keys[0] !== key) continue
    const domain = zip
      ? { type: 'values' as const, values: zip.choices as Json[] }
      : domainOf(parameter)
    const isActive = (point: Point) => !isDropped(key, droppedBy(block, valuesOfPoint(point)))
    dimensions.push({ name: key, domain, ...(block.when.length > 0 ? { isActive } : {}) })
  }
  const valuesOfPoint = (point: Point): Values => {
    const values: Record<string, Json> = {}
    for (const [key, value] of Object.entries(point)) {
      if (zipOf(key)) Object.assign(values, value)
      else values[key] = value
    }
    return values
  }
  const point = (values: Values): Point | undefined => {
    const found: Record<string, Json> = {}
    const left = new Set(Object.keys(values))
    for (const { name, domain, isActive } of dimensions) {
      const keys = zipOf(name)?.keys ?? [name]
      const isThere = keys.every((key) => values[key] !== undefined)
      const value = zipOf(name)
        ? Object.fromEntries(keys.map((key) => [key, values[key]!]))
        : values[name]
      for (const key of keys) left.delete(key)
      if (isThere) found[name] = value!
      else if (!isActive) return undefined
      if (isThere && !has(domain, value!)) return undefined
    }
    const isWhole = dimensions.every(({ name, isActive }) => {
      return name in found === (isActive?.(found) ?? true)
    })
    return isWhole && left.size === 0 ? found : undefined
  }
  return {
    dimensions,
    values: valuesOfPoint,
    point,
    isAllowed: (candidate) => !isExcluded(block, valuesOfPoint(candidate)),
  }
}

function isDropped(key: string, dropped: readonly string[]): boolean {
  return dropped.some((above) => key === above || key.startsWith(`${above}.`))
}

function domainOf(
  parameter: SweepBlock['parameters'] extends ReadonlyMap<string, infer P> ? P : never,
): Domain {
  if ('values' in parameter) return { type: 'values', values: parameter.values as Json[] }
  const q = parameter.q === undefined ? {} : { q: Number(parameter.q) }
  if (parameter.distribution === 'normal') {
    return { type: 'normal', mean: Number(parameter.mean), std: Number(parameter.std), ...q }
  }
  const { distribution: type, min, max } = parameter
  return { type, min: Number(min), max: Number(max), ...q }
}

/** Whether a value may be drawn from the domain. */
function has(domain: Domain, value: Json): boolean {
  if (domain.type === 'values') {
    const text = canonicalJson(value)
    return domain.values.some((one) => canonicalJson(one) === text)
  }
  if (typeof value !== 'number') return false
  if (domain.type === 'normal') return true
  return value >= domain.min && value <= domain.max
}

/** Points that between them have every listed value, and both ends of every range: what is wrong with one of them is wrong with the sweep. */
export function probes({ dimensions }: Space, base: Point): Point[] {
  return dimensions.flatMap(({ name, domain }) => {
    const listed =
      domain.type === 'values' ? domain.values : (valuesOf(domain, 16) ?? endsOf(domain))
    return listed.map((value) => ({ ...base, [name]: value }))
  })
}

function endsOf(domain: Domain): Json[] {
  if (domain.type === 'values') return []
  if (domain.type === 'normal') return [domain.mean]
  return [domain.min, domain.max]
}
