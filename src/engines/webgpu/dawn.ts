import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The little of WebGPU that the engine uses (W3C, https://www.w3.org/TR/webgpu). */
export interface Gpu {
  /** Null where no adapter fits. Dawn rejects where its option `adapter` names none, with a list of all. */
  requestAdapter(options?: AdapterRequest): Promise<Adapter | null>
}

export interface AdapterRequest {
  readonly powerPreference?: 'high-performance' | 'low-power'
  readonly forceFallbackAdapter?: boolean
}

export interface Adapter {
  readonly info: AdapterInfo
  readonly limits: Limits
  /** Only in releases of the package that lack it in `info`. */
  readonly isFallbackAdapter?: boolean
  requestDevice(descriptor: { readonly requiredLimits: Partial<Limits> }): Promise<Device>
}

export interface AdapterInfo {
  readonly vendor: string
  readonly architecture: string
  readonly device: string
  /** The driver's own words. */
  readonly description: string
  readonly isFallbackAdapter?: boolean
}

export const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const
export type Limits = Readonly<Record<(typeof LIMITS)[number], number>>

export type ErrorFilter = 'validation' | 'out-of-memory' | 'internal'

export interface Device {
  readonly limits: Limits
  readonly queue: { onSubmittedWorkDone(): Promise<undefined> }
  /** Settles when the device can no longer be used. */
  readonly lost: Promise<{ readonly message: string }>
  pushErrorScope(filter: ErrorFilter): void
  popErrorScope(): Promise<{ readonly message: string } | null>
  destroy(): void
}

interface DawnPackage {
  create(options: readonly string[]): Gpu
  /** The constructors and constants of WebGPU, by their global names. */
  readonly globals: object
}

/** The npm package `webgpu` in `folder`; its globals are set for good. */
export async function loadDawn(folder: string): Promise<DawnPackage['create']> {
  const entry = createRequire(join(folder, 'package.json')).resolve(folder)
  const { create, globals } = (await import(pathToFileURL(entry).href)) as DawnPackage
  Object.assign(globalThis, globals)
  return create
}
