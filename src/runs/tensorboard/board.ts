import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError } from '../../util/files.ts'
import { RUN_FILES, type EpochRecord } from '../record.ts'
import type { StoredRun } from '../read.ts'
import { scalarsRecord, stepsOf, versionRecord, type Scalars } from './event-file.ts'

type Epoch = Pick<EpochRecord, 'epoch' | 'train'> & Partial<Pick<EpochRecord, 'validation'>>

const SPLITS = ['train', 'validation'] as const

/** Writes a run's epochs for TensorBoard: a folder a split, a file each time that the run is gone on with. */
export interface Board {
  /** Appends an epoch unless it is there; after it TensorBoard can read it. Throws NOT_WRITABLE, DISK_FULL. */
  epoch(epoch: Epoch): Promise<void>
}

/** `restart`: epochs of earlier tries are forgotten, else what is there is gone on with. */
export async function openBoard(
  folder: string,
  { restart = false, now = Date.now }: { restart?: boolean; now?: () => number } = {},
): Promise<Board> {
  const root = join(folder, RUN_FILES.tensorboard)
  try {
    if (restart) await rm(root, { recursive: true, force: true })
    await mkdir(root, { recursive: true })
    // The .gitignore of runs/ that an earlier version wrote does not know this folder.
    await writeFile(join(root, '.gitignore'), '*\n')
  } catch (error) {
    throw diskError(error, root)
  }
  const [train, validation] = SPLITS.map((split) => openSplit(join(root, split), now))
  return {
    epoch: async (epoch) => {
      await train!(epoch.epoch, epoch.train)
      if (epoch.validation) await validation!(epoch.epoch, epoch.validation)
    },
  }
}

/** The epochs of a finished run that are not there yet, spaced by the time that each took, the last of them now. */
export async function writeBoard({ folder, record: { epochs } }: StoredRun): Promise<void> {
  if (epochs.length === 0) return
  let at = Date.now() - 1000 * epochs.reduce((sum, { seconds }) => sum + seconds, 0)
  const board = await openBoard(folder, { now: () => at })
  for (const epoch of epochs) {
    at += 1000 * epoch.seconds
    await board.epoch(epoch)
  }
}

/** Appends figures to a split's newest file. The first ones open a new file, so that none stands behind a torn record. */
function openSplit(folder: string, now: () => number) {
  const written = new Set(filesOf(folder).flatMap((name) => [...stepsIn(join(folder, name))]))
  let path: string | undefined
  return async (step: number, figures: Scalars): Promise<void> => {
    // A figure that is no number stands as null in a history.
    const known = Object.entries(figures).filter(([, value]) => typeof value === 'number')
    if (written.has(step) || known.length === 0) return
    const wallTime = now() / 1000
    const scalars = Object.fromEntries(known.map(([name, value]) => [`epoch_${name}`, value]))
    const record = scalarsRecord(wallTime, step, scalars)
    try {
      await mkdir(folder, { recursive: true })
      const first = path === undefined
      path ??= join(folder, nameAfter(filesOf(folder), wallTime))
      const data = first ? Buffer.concat([versionRecord(wallTime), record]) : record
      await writeFile(path, data, { flag: 'a' })
    } catch (error) {
      throw diskError(error, path ?? folder)
    }
    written.add(step)
  }
}

/**
 * `events.out.tfevents.TIME.HOST.PID.NUMBER`, as TensorFlow names them, without the names of this machine. TensorBoard
 * reads files in the order of their names and never goes back, so a new one is behind those that are there.
 */
function nameAfter(names: readonly string[], wallTime: number): string {
  const times = names.map((name) => Number(name.split('.')[3]) || 0)
  const time = Math.max(Math.floor(wallTime), ...times.map((earlier) => earlier + 1))
  return `events.out.tfevents.${String(time).padStart(10, '0')}.graft`
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => name.startsWith('events.out.tfevents.'))
}

function stepsIn(path: string): Iterable<number> {
  return stepsOf(readFileSync(path))
}
