import type { Checked } from './check.ts'
import { phaseSettings } from './phase-settings.ts'

/** What its ranges say together, and whether there is anything that a bank could keep. */
export function checkAugmentation({ pipeline, isWritten, report }: Checked): void {
  const { augmentation, features } = pipeline
  if (!augmentation) return
  for (const key of ['zoomRange', 'brightnessRange'] as const) {
    const [low, high] = augmentation[key] ?? [0, 0]
    if (low <= high) continue
    report('WRONG_VALUE', ['augmentation', key], `${key} begins at ${low} and ends at ${high}`, {
      hint: `write [${high}, ${low}]`,
    })
  }
  if (augmentation.bank === 'none') return
  const place = ['augmentation', 'bank']
  if (features.when === 'never') {
    const message = 'a bank keeps features of frozen layers, and features: never forbids that'
    report('CONFLICT', place, message, { hint: 'take one of the two out' })
  } else if (phaseSettings(pipeline).every(({ freeze }) => freeze === 'none')) {
    const message = 'a bank keeps features of frozen layers, and nothing is frozen'
    report('CONFLICT', isWritten(place) ? place : ['augmentation'], message, {
      hint: 'take bank out, or freeze something',
    })
  }
}
