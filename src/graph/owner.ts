import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process, told apart from every other one that ever had its pid. */
export interface Owner {
  /** Eight hex digits of host name, boot and pid namespace: within one, pids mean the same thing. */
  readonly machine: string
  readonly pid: number
  /** Clock ticks between boot and the start of the process; where there is no /proc, a time in base 36. */
  readonly start: string
}

/** Owners that cannot be looked up (another machine, no /proc) must touch their files at least this often. */
export const HEARTBEAT_MS = 30_000
const SILENT_MS = 10 * HEARTBEAT_MS

let own: Owner | undefined

export function self(): Owner {
  own ??= {
    machine: createHash('sha256')
      .update(`${hostname()}\0${text('/proc/sys/kernel/random/boot_id')}\0${pidNamespace()}`)
      .digest('hex')
      .slice(0, 8),
    pid: process.pid,
    start: startOf(process.pid) ?? Math.round(Date.now() - process.uptime() * 1000).toString(36),
  }
  return own
}

export function ownerText(owner: Owner): string {
  return `${owner.machine}.${owner.pid}.${owner.start}`
}

/** The reverse of `ownerText`, from the three fields that a file name was split into. */
export function parseOwner(fields: readonly string[]): Owner | undefined {
  const [machine, pid, start] = fields
  if (machine === undefined || start === undefined || !/^\d+$/.test(pid ?? '')) return undefined
  return { machine, pid: Number(pid), start }
}

/**
 * Whether the process still runs. `touchedMs` is when its file was last touched; it decides only where the
 * process cannot be asked. A zombie is dead: it will never write again.
 */
export function isAlive(owner: Owner, touchedMs: () => number): boolean {
  const me = self()
  const spokeLately = () => Date.now() - touchedMs() < SILENT_MS
  if (owner.machine !== me.machine) return spokeLately()
  if (owner.pid === me.pid) return owner.start === me.start
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const start = startOf(owner.pid)
  return start === undefined ? spokeLately() : start === owner.start
}

/** Field 22 of /proc/PID/stat, counted behind the command, which may hold spaces and brackets. */
function startOf(pid: number): string | undefined {
  const stat = text(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields.length < 20) return undefined
  return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : fields[19]
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
