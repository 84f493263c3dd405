import type { Moment } from '../training/fit.ts'

/** `epoch`, `500 batches`, `90s`, `5m`, `1h`; whichever comes first. */
export type CheckpointEvery = readonly string[]

/** Epochs that take less than this many seconds do not each end with a checkpoint: what is lost is soon done again. */
const LEAST_SECONDS = 5
const UNITS = { s: 1, m: 60, h: 3600 } as const

export function dueAt(every: CheckpointEvery = ['epoch', '5m']): (moment: Moment) => boolean {
  const rules = every.map(ruleOf)
  return (moment) => rules.some((isDue) => isDue(moment))
}

function ruleOf(text: string): (moment: Moment) => boolean {
  if (text === 'epoch') {
    return ({ endOfEpoch, seconds }) => endOfEpoch && seconds >= LEAST_SECONDS
  }
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*(batch(?:es)?|[smh])$/.exec(text) ?? []
  if (count === undefined || unit === undefined) throw new TypeError(`checkpoint every ${text}`)
  if (unit.startsWith('batch')) return ({ batches }) => batches >= Number(count)
  const limit = Number(count) * UNITS[unit as keyof typeof UNITS]
  return ({ seconds }) => seconds >= limit
}
