import { readFile } from 'node:fs/promises'
import { SCHEMA_FILE } from '../pipeline/schema.ts'
import type { CommandRun } from './command.ts'

export const run: CommandRun = async (_args, _options, { stdout }) => {
  stdout.write(await readFile(SCHEMA_FILE, 'utf8'))
}
