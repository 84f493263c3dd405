import type { EngineInfo, EngineOptions } from '../engine.ts'
import { openAdapter, type OpenedAdapter } from './adapter.ts'
import type { WebgpuLocation } from './locate.ts'
import { requireWebgpu } from './locate.ts'

/** What the webgpu engine says of itself: an adapter is asked for, no kernel is loaded. Throws as `openAdapter`. */
export async function webgpuInfo(options: EngineOptions): Promise<EngineInfo> {
  const location = requireWebgpu()
  return infoOf(location, await openAdapter(location, options.device, options))
}

export function infoOf(
  { version }: WebgpuLocation,
  { device, text }: Pick<OpenedAdapter, 'device' | 'text'>,
): EngineInfo {
  return { name: 'webgpu', device, version, threads: 1, adapter: text }
}
