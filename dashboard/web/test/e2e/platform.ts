// The platform's own commands and its MQTT door, for tests that need a token
// or send a report: DIANCHI_BIN, DIANCHI_DATA and DIANCHI_MQTT (host:port) name them.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

function named(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name} for the desk's tests`);
  return value;
}

/** Runs a command such as `token add`; returns what it printed. */
export async function admin(...args: string[]): Promise<string> {
  const { stdout } = await run(named('DIANCHI_BIN'), [...args, '--data', named('DIANCHI_DATA')]);
  return stdout.trim();
}

/** Makes a party for the time of a test, with a token; a slug is never given twice. */
export async function newParty(kind: 'operator' | 'maker'): Promise<{ slug: string; password: string; token: string }> {
  const slug = `e2e-${kind === 'maker' ? 'car' : 'op'}-${Date.now().toString(36)}`;
  const password = await admin('party', 'add', slug, '--kind', kind, '--name', '浏览器测试', '--name-en', 'Browser test');
  const token = await admin('token', 'add', '--role', kind, '--party', slug);
  return { slug, password, token };
}

/** Publishes one payload as a party and waits for its PUBACK. */
export async function publish(slug: string, password: string, topic: string, payload: object | string): Promise<void> {
  const [host = '', port = ''] = named('DIANCHI_MQTT').split(':');
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  await run('mosquitto_pub', [
    '-h', host, '-p', port, '-V', '5', '-u', slug, '-P', password, '-q', '1', '-t', `dianchi/v1/${slug}/${topic}`, '-m', text,
  ]);
}
