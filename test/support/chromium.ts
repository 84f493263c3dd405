import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** GRAFT_CHROMIUM, else the first Chromium on the PATH; undefined where there is none. */
export function chromiumPath(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env['GRAFT_CHROMIUM']
  if (given !== undefined && given !== '') return given
  const folders = (env['PATH'] ?? '').split(delimiter)
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram)
}

/**
 * What `describe` is given so that tests in a browser do not run where there is none; that is said aloud, and with
 * GRAFT_REQUIRE_CHROMIUM=1 it is an error.
 */
export function needsChromium(what: string): { readonly skip: string | false } {
  if (chromiumPath() !== undefined) return { skip: false }
  const says = `NOT RUN: ${what}, as there is no Chromium here (GRAFT_CHROMIUM, or ${NAMES.join(', ')} on the PATH).`
  if (process.env['GRAFT_REQUIRE_CHROMIUM'] === '1') throw new Error(says)
  console.error(says)
  return { skip: says }
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = chromiumPath()!
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
