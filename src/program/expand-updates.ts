import type { Builder } from './builder.ts'
import type { Program, Tensor, Update } from './program.ts'
import { rewrite } from './rewrite.ts'
import { UPDATE_RULES } from './updates.ts'

type RuleUpdate = Extract<Update, { kind: 'rule' }>

/**
 * The program with its rule updates as assignments in primitive ops, for engines that have no fused ones;
 * `keep` says which an engine runs fused after all. Without any to expand: the program itself.
 */
export function expandUpdates(
  program: Program,
  keep: (update: RuleUpdate) => boolean = () => false,
): Program {
  const rules = Object.values(program.entries).flatMap((e) =>
    e.updates.filter((u) => u.kind === 'rule'),
  )
  if (rules.every(keep)) return program
  const shapes = new Map(program.variables.map((v) => [v.name, v]))
  const read = (b: Builder, name: string): Tensor => {
    const { shape, initial } = shapes.get(name)!
    return b.variable(name, shape, initial)
  }
  return rewrite(program, {
    update: (b, u) => (u.kind === 'assign' || keep(u) ? [u] : assignments(b, u, (v) => read(b, v))),
  })
}

function assignments(b: Builder, u: RuleUpdate, read: (name: string) => Tensor): Update[] {
  const { slots, gradient, scalars, constants } = u
  const old = Object.fromEntries(Object.entries(slots).map(([slot, name]) => [slot, read(name)]))
  const fresh = UPDATE_RULES[u.rule].expand(b, {
    variable: read(u.variable),
    slots: old,
    gradient,
    scalars,
    constants,
  })
  return [
    { kind: 'assign', variable: u.variable, value: fresh.variable },
    ...Object.entries(fresh.slots).map(([slot, value]): Update => ({
      kind: 'assign',
      variable: slots[slot]!,
      value,
    })),
  ]
}
