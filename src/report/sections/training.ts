import type { PhaseReport } from '../../runs/phase-report.ts'
import { phaseLines, phaseTitle } from '../../runs/phase-text.ts'
import { countText, plural } from '../../util/text.ts'
import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import type { FrozenLayers, RunReport } from '../read.ts'
import { table } from '../table.ts'

/** The freeze report: what was frozen in each phase, what of it was kept, and every layer. */
export function training({ record, frozen }: RunReport): Section | undefined {
  const { phases = [] } = record
  if (phases.length === 0) return undefined
  return {
    id: 'training',
    title: 'What was trained',
    body: markup`<p class="note">A stripe from the first layer to the last: frozen layers are pale, trained ones in colour.</p>
${phases.map((phase) =>
  block(
    phase,
    frozen?.find((one) => one.phase === phase.phase),
  ),
)}`,
  }
}

function block(phase: PhaseReport, frozen: FrozenLayers | undefined): Html {
  const share = phase.layers.total === 0 ? 0 : phase.layers.frozen / phase.layers.total
  const says = `${countText(phase.layers.frozen)} of ${plural(phase.layers.total, 'layer')} frozen`
  return markup`<div class="phase"><h3>${phaseTitle(phase)}</h3>
<div class="frozen" role="img" aria-label="${says}">${strip(frozen, share)}</div>
<dl class="lines">${phaseLines(phase).map(
    ({ label, text }) => markup`<div><dt>${label}</dt><dd>${text}</dd></div>`,
  )}</dl>
${frozen && layerTable(frozen)}</div>`
}

/** A thin stripe from the first layer to the last: frozen ones pale, trained ones of the accent. */
function strip(frozen: FrozenLayers | undefined, share: number): Html {
  const runs = frozen
    ? runsOf(frozen.layers.map((layer) => layer.frozen))
    : [
        { frozen: true, count: share },
        { frozen: false, count: 1 - share },
      ]
  return markup`${runs
    .filter(({ count }) => count > 0)
    .map(
      ({ frozen: isFrozen, count }) =>
        markup`<i class="${isFrozen ? 'cold' : 'warm'}" style="flex-grow:${count}"></i>`,
    )}`
}

function runsOf(flags: readonly boolean[]): { frozen: boolean; count: number }[] {
  const runs: { frozen: boolean; count: number }[] = []
  for (const frozen of flags) {
    const last = runs.at(-1)
    if (last?.frozen === frozen) last.count += 1
    else runs.push({ frozen, count: 1 })
  }
  return runs
}

function layerTable({ phase, layers }: FrozenLayers): Html {
  return markup`<details><summary>All ${plural(layers.length, 'layer')}</summary>${table(
    `Layers of phase ${phase}`,
    [
      {
        title: 'layer',
        head: true,
        value: ({ name, part }) =>
          part === 'head' ? markup`${name} <span class="muted">head</span>` : name,
      },
      {
        title: 'trained',
        value: (layer) => (layer.frozen ? markup`<span class="muted">frozen</span>` : 'trained'),
      },
      { title: 'parameters', right: true, value: ({ parameters }) => countText(parameters) },
      { title: 'batch norm', value: ({ batchNorm }) => batchNorm },
    ],
    layers,
  )}</details>`
}
