import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError } from '../util/files.ts'
import { stableJson } from '../util/json.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import type { Json } from '../util/json.ts'
import type { PictureFormat } from './formats/format.ts'

/** One picture. */
export interface IndexRow {
  /** POSIX, relative to the source: the local folder, or `files/` of the unpack artifact; `root` is part of it. */
  readonly path: string
  /** One of the index's classes. */
  readonly label: string
  readonly split: string
  /** 64 hex digits, of the file's bytes. */
  readonly sha256: string
  /** Pixels, as stored: before any turning by EXIF. */
  readonly width: number
  readonly height: number
  /** By its bytes, not by its name. */
  readonly format: PictureFormat
  readonly bytes: number
}

export interface SplitSummary {
  readonly count: number
  /** Every class of the index, also those with 0 pictures. */
  readonly classes: Readonly<Record<string, number>>
}

/** The same bytes in more than one split. */
export interface Leak {
  readonly sha256: string
  readonly pictures: readonly { readonly split: string; readonly path: string }[]
}

export interface IndexSummary {
  readonly splits: Readonly<Record<string, SplitSummary>>
  /** Bad pictures that `badImages: {skip}` allowed to leave out. */
  readonly skipped: readonly { readonly path: string; readonly problem: string }[]
  readonly leaks: readonly Leak[]
  readonly missingClasses: readonly { readonly split: string; readonly label: string }[]
  /** What the stage warned of; a cached artifact repeats it from here. */
  readonly warnings: readonly Diagnostic[]
}

export interface IndexTable {
  /** Sorted by split (train, validation, test, others by name), then index order. */
  readonly rows: readonly IndexRow[]
  /** Names in label order: the class of output 0 first. */
  readonly classes: readonly string[]
  readonly summary: IndexSummary
  /** The rows of one split in index order; empty for an unknown one. */
  readonly split: (name: string) => readonly IndexRow[]
}

/** What a person should hear of an index each time it is used, whether it was made now or before. */
export function indexWarnings({ skipped, warnings }: IndexSummary): Diagnostic[] {
  if (skipped.length === 0) return [...warnings]
  const shown = skipped.slice(0, 5).map(({ path, problem }) => `${path} (${problem})`)
  const more = skipped.length > shown.length ? ` and ${skipped.length - shown.length} more` : ''
  const count = skipped.length === 1 ? '1 picture was' : `${skipped.length} pictures were`
  const left: Diagnostic = {
    code: 'BAD_IMAGE',
    severity: 'warning',
    message: `${count} left out: ${shown.join(', ')}${more}`,
    hint: 'dataset.badImages allows it; all of them are in index.json of the run',
  }
  return [left, ...warnings]
}

/** Counts by split and class, and what is odd about the pictures. */
export const SUMMARY_FILE = 'summary.json'

const USUAL: readonly string[] = ['train', 'validation', 'test']

/** The order of splits wherever they are listed. */
export function bySplit(a: string, b: string): number {
  const rank = (name: string): number => (USUAL.includes(name) ? USUAL.indexOf(name) : USUAL.length)
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0)
}

/**
 * What later stages read of one split, each in a file of its own, so that a stage depends on no more than that: decoding on
 * the pictures, training on the labels.
 */
export const SPLIT_FILES = {
  pictures: (split: string) => `${split}.pictures.jsonl`,
  labels: (split: string) => `${split}.labels.json`,
} as const

export type PictureRow = Pick<IndexRow, 'path' | 'sha256' | 'width' | 'height' | 'format' | 'bytes'>

/** The labels of a split in index order, as numbers into `classes`. */
export interface SplitLabels {
  readonly classes: readonly string[]
  readonly labels: readonly number[]
}

export async function readPictures(folder: string, split: string): Promise<PictureRow[]> {
  const text = await readFile(join(folder, SPLIT_FILES.pictures(split)), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PictureRow)
}

export async function readLabels(folder: string, split: string): Promise<SplitLabels> {
  return JSON.parse(await readFile(join(folder, SPLIT_FILES.labels(split)), 'utf8')) as SplitLabels
}

async function writeSplit(
  folder: string,
  split: string,
  rows: readonly IndexRow[],
  classes: readonly string[],
): Promise<void> {
  const own = rows.filter((row) => row.split === split)
  const lines = own.map(({ path, sha256, width, height, format, bytes }) => {
    const picture: PictureRow = { path, sha256, width, height, format, bytes }
    return `${JSON.stringify(picture)}\n`
  })
  await writeFile(join(folder, SPLIT_FILES.pictures(split)), lines.join(''))
  const labels: SplitLabels = { classes, labels: own.map((row) => classes.indexOf(row.label)) }
  await writeFile(join(folder, SPLIT_FILES.labels(split)), `${JSON.stringify(labels)}\n`)
}

/**
 * Writes `index.jsonl`, `classes.json`, `summary.json` and the files of each split into the folder, byte for byte the
 * same for equal input.
 */
export async function writeIndex(
  folder: string,
  rows: readonly IndexRow[],
  classes: readonly string[],
  summary: IndexSummary,
): Promise<void> {
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`)
  try {
    await writeFile(join(folder, 'index.jsonl'), lines.join(''))
    await writeFile(join(folder, 'classes.json'), `${JSON.stringify(classes, null, 2)}\n`)
    await writeFile(join(folder, SUMMARY_FILE), stableJson(summary as unknown as Json))
    for (const split of Object.keys(summary.splits)) await writeSplit(folder, split, rows, classes)
  } catch (error) {
    throw diskError(error, folder)
  }
}

/** Reads what `writeIndex` wrote. */
export async function readIndex(folder: string): Promise<IndexTable> {
  const [lines, classes, summary] = await Promise.all(
    ['index.jsonl', 'classes.json', SUMMARY_FILE].map((name) =>
      readFile(join(folder, name), 'utf8'),
    ),
  )
  const rows = lines!
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as IndexRow)
  const bySplitName = new Map<string, IndexRow[]>()
  for (const row of rows) {
    const list = bySplitName.get(row.split)
    if (list === undefined) bySplitName.set(row.split, [row])
    else list.push(row)
  }
  return {
    rows,
    classes: JSON.parse(classes!) as string[],
    summary: JSON.parse(summary!) as IndexSummary,
    split: (name) => bySplitName.get(name) ?? [],
  }
}
