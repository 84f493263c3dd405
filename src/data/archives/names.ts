import { failure } from '../../util/diagnostic.ts'
import type { PipelineError } from '../../util/diagnostic.ts'

/** Checks the names of one archive, entry by entry. */
export interface NameGuard {
  /**
   * The entry's clean POSIX path, or undefined for what archivers drop into archives (`__MACOSX`, `.DS_Store`, `._x`)
   * and for the archive's own root. Throws UNSAFE_ARCHIVE.
   */
  readonly admit: (name: string, folder: boolean) => string | undefined
}

export function unsafe(entry: string, why: string): PipelineError {
  return failure('UNSAFE_ARCHIVE', `archive entry ${JSON.stringify(entry)} ${why}`, {
    hint: 'nothing of it was kept; do not use an archive that you cannot trust',
  })
}

/**
 * Refuses names that would be written outside of the folder, and names that some file system takes for one that
 * was there before (case and Unicode form), where the last one written would win. The first `strip` parts of each
 * name are dropped after it was checked.
 */
export function guardNames(strip = 0): NameGuard {
  /** Folded path -> the path as it came, and whether it is a folder. */
  const seen = new Map<string, { path: string; folder: boolean }>()
  const claim = (entry: string, path: string, folder: boolean): void => {
    const key = path.normalize('NFC').toLowerCase()
    const before = seen.get(key)
    if (before === undefined) seen.set(key, { path, folder })
    else if (before.path !== path) throw unsafe(entry, `clashes with "${before.path}"`)
    else if (!folder || !before.folder) throw unsafe(entry, 'is there twice')
  }
  const admit = (name: string, folder: boolean): string | undefined => {
    if (name.includes('\0')) throw unsafe(name, 'has a NUL in its name')
    const slashed = name.replaceAll('\\', '/')
    if (slashed.startsWith('/') || /^[a-zA-Z]:/.test(slashed)) {
      throw unsafe(name, 'has an absolute path')
    }
    const parts = slashed.split('/').filter((part) => part !== '' && part !== '.')
    if (parts.includes('..')) throw unsafe(name, 'leads out of the archive')
    if (parts.some((part) => Buffer.byteLength(part) > 255)) {
      throw unsafe(name, 'has a name of more than 255 bytes')
    }
    if (parts.length === 0 || parts.some(isDropping)) return undefined
    for (let i = 1; i < parts.length; i += 1) claim(name, parts.slice(0, i).join('/'), true)
    claim(name, parts.join('/'), folder)
    return parts.length > strip ? parts.slice(strip).join('/') : undefined
  }
  return { admit }
}

function isDropping(part: string): boolean {
  return part === '__MACOSX' || part === '.DS_Store' || part.startsWith('._')
}
