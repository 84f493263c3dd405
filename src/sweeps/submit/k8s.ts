import type { Json } from '../../util/json.ts'

/** What a worker is given by Kubernetes. */
export interface JobRequest {
  readonly name: string
  readonly image: string
  /** A PersistentVolumeClaim that several pods may write to, with the folder of the project in it. */
  readonly claim: string
  readonly workers: number
  readonly atOnce: number | undefined
  readonly command: readonly string[]
  readonly gpus?: string | undefined
  readonly cpus?: string | undefined
  readonly mem?: string | undefined
  readonly seconds?: number | undefined
}

/** Where the volume stands in the pod. */
const PROJECT = '/project'
/** As long as Slurm's notice: a worker that is told to stop writes what it has. */
const GRACE = 90

/** An Indexed Job whose pods are workers: they share the trials through the volume, so an index that is started again does no harm. */
export function jobManifest(request: JobRequest): Json {
  const { name, image, claim, workers, atOnce, command, gpus, cpus, mem, seconds } = request
  const limits = {
    ...(cpus === undefined ? {} : { cpu: cpus }),
    ...(mem === undefined ? {} : { memory: mem }),
    ...(gpus === undefined ? {} : { 'nvidia.com/gpu': gpus }),
  }
  const worker = {
    name: 'worker',
    image,
    command: [...command],
    workingDir: PROJECT,
    // Of a store that lies in the pod, nothing is left for the next one.
    env: [{ name: 'GRAFT_STORE', value: `${PROJECT}/store` }],
    ...(Object.keys(limits).length > 0 ? { resources: { limits } } : {}),
    volumeMounts: [{ name: 'project', mountPath: PROJECT }],
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: jobName(name) },
    spec: {
      completionMode: 'Indexed',
      completions: workers,
      parallelism: Math.min(workers, atOnce ?? workers),
      backoffLimit: 3 * workers,
      ...(seconds === undefined ? {} : { activeDeadlineSeconds: seconds }),
      template: {
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: GRACE,
          containers: [worker],
          volumes: [{ name: 'project', persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  }
}

/** A DNS label. */
export function jobName(name: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return `graft-${label}`.slice(0, 63).replace(/-+$/, '')
}
