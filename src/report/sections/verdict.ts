import { bySplit } from '../../data/index-table.ts'
import { countText, plural, secondsText } from '../../util/text.ts'
import { dateText, figureText, percentText } from '../figures.ts'
import { markup, type Html, type Part } from '../html.ts'
import type { RunReport } from '../read.ts'
import { tally, wilson } from '../statistics.ts'
import { settingsOf } from '../settings.ts'
import { facts } from '../table.ts'

/** The top of the page: which run, what came out of it, what it was made with and how to repeat it. */
export function verdict(report: RunReport): Html {
  const { record, place, resolved, tags, note } = report
  const { name, id, status, started, seconds, seed } = record
  return markup`<header>
    <h1><bdi>${name}</bdi></h1>
    <p class="status">
      <b class="${STATUS[status] ?? 'failed'}">${status}</b> <span>${id}</span>
      <span>${dateText(started)}</span>
      ${status !== 'running' && markup`<span>${secondsText(seconds)}</span>`} <span>seed ${seed}</span>
    </p>
    ${tags.length > 0 && markup`<ul class="tags" aria-label="Tags">${tags.map((tag) => markup`<li><bdi>${tag}</bdi></li>`)}</ul>`}
    ${headline(report)}
    ${note !== undefined && markup`<p class="remark">${note}</p>`} ${facts(made(report))}
    ${
      resolved !== undefined &&
      markup`<div class="repeat">
        <p>Repeat it</p>
        <code class="command" tabindex="0">pipeline run ${place}/resolved.yaml</code>
      </div>`
    }
  </header>`
}

/** Classes of the style; what a file says otherwise is none. */
const STATUS: Readonly<Record<string, string>> = {
  done: 'done',
  failed: 'failed',
  interrupted: 'interrupted',
  running: 'running',
}

function headline(report: RunReport): Html {
  const { big, sentence, more } = result(report)
  return markup`<div class="verdict">
    ${big !== undefined && markup`<strong>${big}</strong>`}
    <p>${sentence}${more !== undefined && markup`<small>${more}</small>`}</p>
  </div>`
}

interface Result {
  readonly big?: string
  readonly sentence: Part
  readonly more?: Part
}

/** One figure and one sentence. */
export function result({ record, evaluations }: RunReport): Result {
  const { status, predicted } = record
  const [evaluation] = evaluations
  if (evaluation) {
    const { confusion, classes, split } = evaluation
    const { right, total, largest } = tally(confusion)
    const [low, high] = wilson(right, total)
    const range = `${percentText(low)} to ${percentText(high)}`
    const guess = percentText(largest.count / total)
    return {
      big: percentText(right / total),
      sentence: markup`${countText(right)} of ${plural(total, `${split} picture`)} named right`,
      more: markup`95 % interval ${range}; always saying <bdi>${classes[largest.index]}</bdi> would be right on ${guess}`,
    }
  }
  if (predicted) {
    const { pictures, bad } = predicted
    const more = bad > 0 ? { more: `${plural(bad, 'other')} could not be read` } : {}
    return {
      big: countText(pictures),
      sentence: pictures === 1 ? 'picture named' : 'pictures named',
      ...more,
    }
  }
  return { sentence: unfinished(record), ...(status === 'done' ? {} : lastEpoch(record)) }
}

function unfinished({ status, stages, epochs }: RunReport['record']): string {
  const last = stages.at(-1)?.id
  const epoch = epochs.at(-1)?.epoch
  const begun = epoch === undefined ? 'before any stage was done' : `after epoch ${epoch}`
  const after = last === undefined ? begun : `after the stage ${last}`
  // Stages are in the record of a run that has ended.
  const isBeginning = last === undefined && epoch === undefined
  const says: Readonly<Record<string, string>> = {
    done: 'Nothing was evaluated',
    running: isBeginning ? 'Still running' : `Still running, ${after}`,
    interrupted: `Interrupted ${after}; the same command goes on from there`,
    failed: `Failed ${after}; the same command goes on from there`,
  }
  return says[status] ?? status
}

function lastEpoch({ epochs }: RunReport['record']): { more?: string } {
  const last = epochs.at(-1)
  if (!last) return {}
  const figures = Object.entries(last.validation ?? last.train)
  const of = last.validation ? 'validation' : 'training'
  const text = figures.map(([metric, value]) => `${metric} ${figureText(metric, value)}`)
  return { more: `epoch ${last.epoch}, ${of}: ${text.join(', ')}` }
}

function made({ record, resolved }: RunReport): (readonly [string, Part])[] {
  const { classes, parameters, epochs, engine, pictures, predicted } = record
  const of = Object.entries(pictures)
    .sort(([a], [b]) => bySplit(a, b))
    .map(([split, count]) => `${countText(count)} ${split}`)
  const { model } = settingsOf(resolved)
  const total = countText(parameters.total)
  const weights = predicted
    ? (['Parameters', total] as const)
    : (['Parameters trained', `${countText(parameters.trainable)} of ${total}`] as const)
  return [
    ...(model === undefined ? [] : [['Base model', model] as const]),
    ...(classes.length > 0 ? [['Classes', countText(classes.length)] as const] : []),
    ...(of.length > 0 ? [['Pictures', of.join(', ')] as const] : []),
    ...(parameters.total > 0 ? [weights] : []),
    ...(epochs.length > 0 ? [['Epochs', countText(epochs.length)] as const] : []),
    ...(engine
      ? [['Engine', `${engine.name} ${engine.version} on ${engine.device}`] as const]
      : []),
  ]
}
