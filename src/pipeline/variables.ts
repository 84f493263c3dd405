import type { Diagnostic } from '../util/diagnostic.ts'
import type { Node, ScalarNode } from './tree.ts'
import { mapTree } from './tree.ts'

/**
 * Writes the variables of string values out: `${VAR}`, `${VAR:-default}` (also where VAR is empty), `${VAR:?message}`,
 * and `$$` for a dollar sign. Keys are left alone, and what a variable brings is not searched again.
 */
export function expandVariables(
  root: Node,
  env: NodeJS.ProcessEnv,
  report: (diagnostic: Diagnostic) => void,
): Node {
  return mapTree(root, (node) => {
    if (node.kind !== 'scalar' || typeof node.value !== 'string' || !node.value.includes('$'))
      return node
    return expand(node, node.value, env, report)
  })
}

const FORM = /\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]{0,254})(?::([-?])([^}]*))?\}|\{[^}]*\}?)/g

function expand(
  node: ScalarNode,
  text: string,
  env: NodeJS.ProcessEnv,
  report: (diagnostic: Diagnostic) => void,
): Node {
  let used = false
  let broken = false
  const value = text.replace(FORM, (form: string, name?: string, mark?: string, rest?: string) => {
    if (form === '$$') return '$'
    const problem = (message: string, hint: string): string => {
      broken = true
      report({ code: 'UNSET_VARIABLE', message: inArgument(node, message), at: node.at, hint })
      return form
    }
    if (name === undefined) {
      return problem(
        `"${form}" is no variable`,
        'write ${NAME}, ${NAME:-default} or ${NAME:?message}; a dollar sign is $$',
      )
    }
    if (rest?.includes('${')) {
      return problem(
        `"${form}}" has a variable inside a variable`,
        'give the default as plain text',
      )
    }
    used = true
    const found = env[name]
    if (found !== undefined && (found !== '' || mark === undefined)) return found
    if (mark === '-') return rest ?? ''
    const what = mark === '?' && rest ? `: ${rest}` : ''
    const state = found === undefined ? 'not set' : 'empty'
    return problem(
      `the variable ${name} is ${state}${what}`,
      `set it: ${name}=... pipeline ...; or give a default: \${${name}:-...}`,
    )
  })
  if (broken) return { ...node, broken }
  if (!used) return { ...node, value }
  return { ...node, value, written: text, from: node.from === 'set' ? 'set' : 'variable' }
}

function inArgument(node: ScalarNode, message: string): string {
  return node.argument ? `${node.argument}: ${message}` : message
}
