import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { LoggedEvent, Project, Settings } from './rig.ts'
import { createProject } from './rig.ts'

/**
 * A training with everything that a checkpoint must hold: two phases, the second of which trains layers of the trunk with
 * their batch norms, fresh augmentation, dropout, momentum, a rate that falls, and the best epoch kept.
 */
export const TUNED: Settings = {
  head: [
    'GlobalAveragePooling2D',
    { Dropout: 0.3 },
    { Dense: { units: 'classes', activation: 'softmax' } },
  ],
  augmentation: { rotationRange: 20, zoomRange: 0.2, horizontalFlip: true },
  training: {
    batchSize: 6,
    reduceLROnPlateau: { monitor: 'train.loss', factor: 0.5, patience: 1 },
    checkpoint: { every: '2 batches', keepBest: 'validation.loss' },
    phases: [
      { epochs: 2, freeze: 'all' },
      {
        epochs: 3,
        freeze: { first: 100 },
        optimizer: { name: 'SGD', momentum: 0.9, learningRate: 0.01 },
      },
    ],
  },
}

/** A project in which everything but the training is there: another seed draws other heads, orders and pictures. */
export async function trainingProject(settings: Settings): Promise<Project> {
  const project = await createProject({ ...settings, seed: 99 })
  await project.run()
  project.configure(settings)
  return project
}

/** Folders of unfinished work that hold checkpoints, absolute. */
export function checkpointFolders({ store }: Project): string[] {
  const work = join(store, 'work')
  return readdirSync(work)
    .map((name) => join(work, name))
    .filter((folder) => checkpointsIn(folder).length > 0)
}

/** Oldest first. */
export function checkpointsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => /^checkpoint.*safetensors$/.test(file))
    .sort()
}

/** Of stopping and going on, not of what else a training tells. */
export const notes = (events: readonly LoggedEvent[]): string[] =>
  events
    .flatMap((e) => (e.type === 'note' ? e.message : []))
    .filter((message) =>
      /^(stopping|stopped|goes on|trains from|more epochs) /.test(message.replace(';', ' ')),
    )

export const warnings = (events: readonly LoggedEvent[]): string[] =>
  events.flatMap((e) =>
    e.type === 'warning' ? `${e.diagnostic.code} ${e.diagnostic.message}` : [],
  )
