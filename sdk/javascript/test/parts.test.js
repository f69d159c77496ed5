// What needs no house.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { ConfigurationError, LeaseLost, TraceContext, Unavailable, continueTrace, currentTrace } from '../src/index.js';
import { refusal } from '../src/errors.js';
import { eventsOf } from '../src/inbox.js';
import { RETRY, pauseMs, targetOf } from '../src/session.js';
import { Folder, digestOf } from '../src/state.js';
import { checkUrl } from '../src/transport.js';

test('a trace that is none is left out', () => {
  const good = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16), trace_flags: 1 };
  assert.equal(TraceContext.parse(good)?.traceparent(), `00-${good.trace_id}-${good.span_id}-01`);
  assert.deepEqual(TraceContext.parse({ ...good, trace_flags: '00' })?.fields(), { ...good, trace_flags: 0 });
  for (const bad of [undefined, null, 'x', {}, { ...good, trace_id: '0'.repeat(32) }, { ...good, span_id: 'B'.repeat(16) },
    { ...good, trace_flags: 256 }, { ...good, trace_flags: '1' }, { ...good, trace_id: `${good.trace_id}\n` }])
    assert.equal(TraceContext.parse(bad), undefined);
});

test('work that is done side by side keeps its own trace', async () => {
  const contexts = [TraceContext.begin(), TraceContext.begin()];
  const seen = await Promise.all(contexts.map((each) => continueTrace(each, async () => {
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    return currentTrace();
  })));
  assert.deepEqual(seen, contexts);
  assert.equal(currentTrace(), undefined);
});

test('events are put together from pieces', async () => {
  async function* pieces() {
    yield ': still here\n\nid: 1\nevent: message\nda';
    yield 'ta: {"a":\ndata: 1}\r\n\r';
    yield '\ndata:2\n\ndata: cut off';
  }
  const events = [];
  for await (const event of eventsOf(pieces())) events.push(event);
  assert.deepEqual(events, ['{"a":\n1}', '2']);
});

test('pauses grow, by chance, and are never shorter than the house says', () => {
  for (let attempt = 1; attempt < 12; attempt += 1) {
    const most = Math.min(RETRY.mostMs, RETRY.firstMs * 2 ** (attempt - 1));
    for (let round = 0; round < 50; round += 1) {
      assert.ok(pauseMs(RETRY, attempt) <= most);
      assert.ok(pauseMs(RETRY, attempt, 5) >= 5000 && pauseMs(RETRY, attempt, 5) <= 5000 + most);
    }
  }
});

test('only what the table knows is asked for, and names are escaped', () => {
  assert.equal(targetOf('stepResult', { path: { plan: 'p/../x', step: 'a:b' } }), '/api/v1/plans/p%2F..%2Fx/steps/a:b/result');
  assert.throws(() => targetOf('receive', { query: { many: 1 } }), TypeError);
});

test('answers become errors that say which', () => {
  assert.ok(refusal(409, { code: 'plan.lease_lost' }) instanceof LeaseLost);
  assert.ok(refusal(503, {}) instanceof Unavailable);
  assert.equal(refusal(500, {}).code, 'http.500');
});

test('tokens do not travel in the clear', () => {
  for (const url of ['http://gateway.example', 'ftp://localhost', 'localhost:8080', '']) assert.throws(() => checkUrl(url), ConfigurationError);
  for (const url of ['https://gateway.example', 'http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1']) checkUrl(url);
  checkUrl('http://gateway.example', true);
});

test('a folder has one holder, and the lock of a process that is no more holds nobody', () => {
  const at = fs.mkdtempSync(path.join(os.tmpdir(), 'folder-'));
  try {
    const [one, other] = [new Folder(at), new Folder(at)];
    one.hold();
    assert.throws(() => other.hold(), ConfigurationError);
    one.letGo();
    fs.writeFileSync(one.lockFile, '4194304 1');
    other.hold();
    other.letGo();
    fs.writeFileSync(one.lockFile, `${process.pid} 1`); // the number went to another process
    other.hold();
    other.write(other.keyFile, 'x');
    assert.equal(fs.statSync(other.keyFile).mode & 0o777, 0o600);
    other.write(other.nextKeyFile, 'y');
    const state = /** @type {any} */ ({ key_sha256: digestOf('z') });
    other.takeKey(state); // as an enrolment that was refused leaves it
    assert.equal(other.key(), 'x');
    other.takeKey({ ...state, key_sha256: digestOf('y') }); // as a kill before the last step of an enrolment leaves it
    assert.equal(other.key(), 'y');
    other.letGo();
  } finally {
    fs.rmSync(at, { recursive: true });
  }
});
