// Starts Bluesky's own servers, for tests: accounts and their records (PDS), the directory (PLC)
// and, where PostgreSQL and Redis are at hand, what shows threads, likes and quotes (AppView).
//
//	node network.mjs MODULES [POSTGRES-BINARIES]
//
// MODULES is a directory node_modules with @atproto/dev-env in it. Says where the servers are as
// a line of JSON, then reads a line of JSON for each thing to do and answers with one:
//
//	{"do": "settle"}                                   waits until the AppView has seen everything
//	{"do": "label", "uri": "…", "cid": "…", "val": "…"}   as the moderators of the network do
//
// Ends with its standard input, and takes away what it has written, all of it in TMPDIR.
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [modules, binaries] = process.argv.slice(2)
const room = process.env.TMPDIR
const started = []
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

// PostgreSQL refuses to run as root.
const someone = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}

async function storage() {
  const data = path.join(room, 'postgres')
  mkdirSync(data)
  if (someone.uid) {
    chmodSync(room, 0o755)
    chownSync(data, someone.uid, someone.gid)
  }
  const as = { ...someone, cwd: data, stdio: 'ignore', env: { ...process.env, LC_ALL: 'C' } }
  execFileSync(path.join(binaries, 'initdb'), ['-D', path.join(data, 'db'), '-U', 'tests', '-A', 'trust', '-N', '-E', 'UTF8'], as)
  const settings = ['listen_addresses=', 'fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'max_connections=200']
  started.push(spawn(path.join(binaries, 'postgres'), ['-D', path.join(data, 'db'), '-k', data, ...settings.flatMap((s) => ['-c', s])], as))
  const port = await freePort()
  started.push(spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { cwd: room, stdio: 'ignore' }))
  process.env.REDIS_HOST = `127.0.0.1:${port}`
  const isready = path.join(binaries, 'pg_isready')
  for (let tries = 0; ; tries++) {
    try {
      execFileSync(isready, ['-h', data, '-U', 'tests'], { stdio: 'ignore' })
      break
    } catch (error) {
      if (tries === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return `postgresql://tests@/postgres?host=${encodeURIComponent(data)}`
}

const { TestNetwork, TestNetworkNoAppView, EXAMPLE_LABELER } = await import(pathToFileURL(path.join(modules, '@atproto/dev-env/dist/index.js')))
const network = binaries
  ? await TestNetwork.create({ dbPostgresUrl: await storage(), dbPostgresSchema: 'tests' })
  : await TestNetworkNoAppView.create({})

const deeds = {
  settle: async () => {
    await network.pds.processAll()
    await network.processFullSubscription(30_000)
  },
  label: ({ uri, cid, val }) =>
    network.bsky.db.db
      .insertInto('label')
      .values({ src: EXAMPLE_LABELER, uri, cid: cid ?? '', val, neg: false, cts: new Date().toISOString() })
      .execute(),
}

process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(room, { recursive: true, force: true, maxRetries: 5 })
})

say({ pds: network.pds.url, plc: network.plc.url, appview: network.bsky?.url ?? '' })
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  try {
    await deeds[order.do](order)
    say({ done: order.do })
  } catch (error) {
    say({ failed: String(error) })
  }
}
process.exit(0)
