/**
 * All that runs in the browser. It listens to the one stream of events, and when the page at hand has changed it reads it anew
 * and puts those parts in place that are not as the server had them: what a person has opened, chosen, scrolled or focused in
 * the others stays, and is carried over in those. A tab that nobody sees listens to nothing: browsers have six connections.
 */
export const SCRIPT = `
'use strict'
const root = document.documentElement
const live = document.getElementById('live')
const pages = root.dataset.pages.split(' ')
const PARTS = '.frame > nav, main > header, main > section, main > footer'
const partsOf = (from) =>
  new Map([...from.querySelectorAll(PARTS)].map((part) => [part.id || part.localName, part]))
const served = new Map([...partsOf(document)].map(([key, part]) => [key, part.outerHTML]))
const SCROLLS = '.scroll, pre'
const FOCUSABLE = 'a[href],button,input,select,summary,textarea,[tabindex]'

function say(text, state) {
  if (live.dataset.state === state) return
  live.dataset.state = state
  live.textContent = text
}

function focusIn(part) {
  const all = [...part.querySelectorAll(FOCUSABLE)]
  const at = all.indexOf(document.activeElement)
  if (at < 0) return () => {}
  const href = all[at].getAttribute('href')
  return (next) => {
    const others = [...next.querySelectorAll(FOCUSABLE)]
    const same = href === null ? undefined : others.find((one) => one.getAttribute('href') === href)
    const to = same || others[at]
    if (to) to.focus({ preventScroll: true })
  }
}

function carry(from, to) {
  const each = (selector, act) => {
    const next = [...to.querySelectorAll(selector)]
    ;[...from.querySelectorAll(selector)].forEach((one, i) => next[i] && act(one, next[i]))
  }
  each('details', (one, next) => { next.open = one.open })
  const chosen = 'input[type=radio],input[type=checkbox]'
  const same = new Map([...to.querySelectorAll(chosen)].map((one) => [one.name + ' ' + one.value, one]))
  for (const one of from.querySelectorAll(chosen)) {
    const next = same.get(one.name + ' ' + one.value)
    if (next) next.checked = one.checked
  }
  each('input:not([type]),select', (one, next) => { next.value = one.value })
  const scrolls = [...from.querySelectorAll(SCROLLS)].map((one) => [one.scrollLeft, one.scrollTop])
  const { selectionStart: start, selectionEnd: end } = document.activeElement
  const focus = focusIn(from)
  return () => {
    ;[...to.querySelectorAll(SCROLLS)].forEach((one, i) => {
      if (scrolls[i]) [one.scrollLeft, one.scrollTop] = scrolls[i]
    })
    focus(to)
    const { activeElement } = document
    if (typeof start === 'number' && to.contains(activeElement)) activeElement.setSelectionRange?.(start, end)
  }
}

function put(next) {
  const main = document.getElementById('content')
  const now = partsOf(document)
  const wanted = partsOf(next)
  for (const [key, part] of now) {
    if (wanted.has(key)) continue
    part.remove()
    served.delete(key)
  }
  let before
  for (const [key, made] of wanted) {
    const html = made.outerHTML
    let part = now.get(key)
    if (part && served.get(key) !== html) {
      const fresh = document.importNode(made, true)
      const settle = carry(part, fresh)
      part.replaceWith(fresh)
      settle()
      part = fresh
    } else if (!part) {
      part = document.importNode(made, true)
      if (key === 'nav') main.before(part)
      else if (before) before.after(part)
      else main.prepend(part)
    }
    served.set(key, html)
    if (key !== 'nav') before = part
  }
  document.title = next.title
  root.dataset.version = next.documentElement.dataset.version
}

let busy = false
let due = false
async function refresh() {
  due = true
  if (busy) return
  busy = true
  try {
    while (due) {
      due = false
      const answer = await fetch(location.href, { headers: { 'Page-Version': root.dataset.version } })
      if (answer.status === 200) put(new DOMParser().parseFromString(await answer.text(), 'text/html'))
      else if (answer.status === 404) say('This is not there any more', 'gone')
      await new Promise((next) => setTimeout(next, 400))
    }
  } catch {
    // The server is gone: the stream tells.
  } finally {
    busy = false
  }
}

let source
function listen() {
  const asked = pages.map((page) => 'page=' + encodeURIComponent(page)).join('&')
  source = new EventSource('/events?' + asked)
  source.addEventListener('open', () => say('Live', 'live'))
  source.addEventListener('hello', refresh)
  source.addEventListener('change', ({ data }) => {
    if (JSON.parse(data).pages.some((page) => pages.includes(page))) refresh()
  })
  source.addEventListener('error', () => {
    say('Not connected: is pipeline ui still running?', 'lost')
    if (source.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || again(), 5000)
  })
}
function again() {
  source.close()
  listen()
}
document.addEventListener('visibilitychange', () => {
  if (document.hidden) source.close()
  else again()
})
// A page that is kept for the way back would keep its connection.
addEventListener('pagehide', () => source.close())
addEventListener('pageshow', ({ persisted }) => persisted && again())
listen()
`.trim()
