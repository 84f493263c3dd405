import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, hostname, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A real Slurm of one node, this machine, without systemd, in a folder of its own. */
export interface Slurm extends AsyncDisposable {
  readonly env: NodeJS.ProcessEnv
  /** Runs one of Slurm's programs; its stdout. Throws where it fails. */
  call(program: string, ...args: readonly string[]): string
}

const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scontrol', 'sinfo']
const PATH = [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(':')

/** What this machine lacks for it; empty where it can be started. */
export function slurmLacks(): string[] {
  const lacks = PROGRAMS.filter(
    (program) => !PATH.split(':').some((p) => existsSync(join(p, program))),
  )
  return process.getuid?.() === 0 ? lacks : [...lacks, 'the rights of root']
}

export async function startSlurm(settings: readonly string[] = []): Promise<Slurm> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-slurm-'))
  const path = (...parts: string[]) => join(folder, ...parts)
  for (const name of ['key', 'sock', 'state', 'spool']) mkdirSync(path(name), { mode: 0o700 })
  execFileSync('chmod', ['755', folder, path('sock')])
  writeFileSync(path('key/munge.key'), randomBytes(1024), { mode: 0o400 })
  writeFileSync(path('slurm.conf'), configuration(folder, await freePorts(), settings))
  writeFileSync(path('cgroup.conf'), 'CgroupPlugin=cgroup/v1\n')
  const env = { ...process.env, PATH, SLURM_CONF: path('slurm.conf') }
  const daemon = (program: string, ...args: string[]) => {
    const { status, stderr } = spawnSync(program, args, { env, encoding: 'utf8', cwd: folder })
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`)
  }
  daemon(
    'munged',
    '--force',
    `--key-file=${path('key/munge.key')}`,
    `--socket=${path('sock/munge.sock')}`,
    `--pid-file=${path('munged.pid')}`,
    `--log-file=${path('munged.log')}`,
    `--seed-file=${path('munged.seed')}`,
  )
  daemon('slurmctld', '-c', '-f', path('slurm.conf'))
  daemon('slurmd', '-f', path('slurm.conf'))
  const call: Slurm['call'] = (program, ...args) =>
    execFileSync(program, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const slurm: Slurm = {
    env: { PATH, SLURM_CONF: path('slurm.conf') },
    call,
    [Symbol.asyncDispose]: async () => {
      spawnSync('scancel', ['--user', String(process.getuid?.())], { env })
      await until(
        () => spawnSync('squeue', ['-h'], { env, encoding: 'utf8' }).stdout === '',
        10_000,
      )
      for (const name of ['slurmd', 'slurmctld', 'munged']) await end(path(`${name}.pid`))
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
  const isUp = await until(() => /idle/.test(call('sinfo', '-h', '-o', '%t')), 30_000)
  if (isUp) return slurm
  const logs = ['slurmctld', 'slurmd'].map((name) => readFileSync(path(`${name}.log`), 'utf8'))
  await slurm[Symbol.asyncDispose]()
  throw new Error(`Slurm does not come up:\n${logs.join('\n')}`)
}

function configuration(
  folder: string,
  ports: readonly number[],
  settings: readonly string[],
): string {
  const host = hostname().split('.')[0]!
  const cores = availableParallelism()
  const files = ['slurmctld', 'slurmd'].flatMap((name) => {
    const upper = name === 'slurmd' ? 'Slurmd' : 'Slurmctld'
    return [`${upper}PidFile=${folder}/${name}.pid`, `${upper}LogFile=${folder}/${name}.log`]
  })
  const lines = [
    'ClusterName=graft',
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${ports[0]}`,
    `SlurmdPort=${ports[1]}`,
    'AuthType=auth/munge',
    `AuthInfo=socket=${folder}/sock/munge.sock`,
    'CredType=cred/munge',
    'SlurmUser=root',
    'SlurmdUser=root',
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool`,
    ...files,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    'AccountingStorageType=accounting_storage/none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core_Memory',
    'SwitchType=switch/none',
    'MpiDefault=none',
    'MailProg=/bin/true',
    'ReturnToService=2',
    'MinJobAge=300',
    'KillWait=5',
    'SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0',
    ...settings,
    `NodeName=${host} NodeAddr=127.0.0.1 CPUs=${cores} CoresPerSocket=${cores} RealMemory=${Math.floor(totalmem() / 2 ** 21)}`,
    `PartitionName=local Nodes=${host} Default=YES MaxTime=INFINITE State=UP`,
  ]
  return `${lines.join('\n')}\n`
}

async function freePorts(): Promise<number[]> {
  const servers = [createServer(), createServer()]
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** By the pid in its file, and no other. */
async function end(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8'))
  const isThere = () => existsSync(`/proc/${pid}`)
  try {
    process.kill(pid, 'SIGTERM')
    if (!(await until(() => !isThere(), 5000))) process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** Whether it came to be within so many milliseconds. */
export async function until(isSo: () => boolean, ms: number): Promise<boolean> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    if (isSo()) return true
    await sleep(100)
  }
  return isSo()
}
