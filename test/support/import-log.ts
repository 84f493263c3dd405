import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** A loader's hook: the address of every module that is imported goes to stderr. */
export async function resolve(
  specifier: string,
  context: object,
  next: (specifier: string, context: object) => Promise<{ url: string }>,
): Promise<{ url: string }> {
  const resolved = await next(specifier, context)
  writeSync(2, `import ${resolved.url}\n`)
  return resolved
}

/** The argument of `node --import` that installs the hook, from the built file. */
export function importLog(file: string): string {
  const code = `import { register } from 'node:module'; register(${JSON.stringify(pathToFileURL(file).href)})`
  return `data:text/javascript,${encodeURIComponent(code)}`
}
