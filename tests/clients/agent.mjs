// An agent made with sdk/javascript: node agent.mjs CASE '{"folder": ..., "url": ..., "token": ..., "caFile": ...}'; a line of JSON for
// each thing it has to tell.

import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

import { Agent, NotRetryable, ROUTES, currentTrace, newMessage } from '../../sdk/javascript/src/index.js';

const [name, text = '{}'] = process.argv.slice(2);
const given = JSON.parse(text);
const say = (...values) => console.log(JSON.stringify(values.length === 1 ? values[0] : values));
const told = (problem) => ({ name: problem.name, status: problem.status, code: problem.code, retryAfter: problem.retryAfter, errors: problem.errors });
const fails = (work) => work.then(() => 'it went well', told);
const spans = [];
const options = { ...given, log: (line) => process.stderr.write(`${line}\n`), onSpan: (span) => spans.push(span) };
const come = (more = {}) => Agent.openOrEnrol(given.folder, { ...options, ...more });

/** Its tokens or certificate, as if most of their time were over. */
async function grownOld(agent, members) {
  await agent.close();
  const file = path.join(given.folder, 'state.json');
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), ...members }));
  return Agent.open(given.folder, options);
}
const seconds = () => Date.now() / 1000;

const cases = {
  async table() {
    say(ROUTES);
  },
  async live() {
    const agent = (await come()).start();
    say(agent.id, (await agent.describe()).status);
    await once(process.stdin, 'data');
    await agent.close();
  },
  async refused() {
    const agent = await come();
    say(await fails(Agent.enrol(`${given.folder}-2`, options)));
    say(await fails(Agent.open(given.folder)), await fails(Agent.open(`${given.folder}-2`)));
    say(await fails(Agent.enrol(given.folder, { ...options, caFile: undefined, again: true })));
    await agent.close();
    say(await fails(Agent.enrol(`${given.folder}-3`, { ...options, caFile: given.otherCa, retry: { attempts: 1, firstMs: 1, mostMs: 1 } })));
  },
  async activity() {
    const agent = await come();
    agent.activity.llmCalled('small', 200, { inputTokens: 10, outputTokens: 20 });
    await agent.activity.invocation(async () => { throw new Error('not today'); }).catch(() => {});
    await agent.activity.invocation(async () => sleep(10));
    agent.start();
    await sleep(2500);
    say(agent.heart.intervalMs, (await agent.describe()).status, agent.heart.problem ?? null);
    say((await agent.reportThreat('port.scan', 'high', { fingerprint: 'x', details: { port: 22 } })).reports);
    await agent.close();
  },
  async tokens() {
    const agent = await grownOld(await come(), { access_begun: seconds() - 1000, access_ends: seconds() + 60 });
    say((await Promise.all(Array.from({ length: 8 }, () => agent.describe()))).map(({ status }) => status));
    await agent.close();
  },
  async lost() {
    let agent = await grownOld(await come(), { access_begun: seconds() - 1000, access_ends: seconds() + 8 });
    say(await fails(agent.describe()), (await agent.describe()).status);
    await agent.close();
    agent = await Agent.open(given.folder, options);
    await sleep(8000);
    say(await fails(agent.describe()));
    await agent.close();
  },
  async certificate() {
    const agent = await grownOld(await come(), { certificate_begun: seconds() - 20 * 3600, certificate_ends: seconds() + 3600 });
    const before = agent.session.state.certificate;
    agent.start();
    for (let tries = 0; tries < 100 && agent.session.state.certificate === before; tries += 1) await sleep(50);
    say(agent.session.state.certificate !== before && fs.readFileSync(path.join(given.folder, 'agent.pem'), 'utf8') !== before);
    await agent.close();
  },
  async messages() {
    const agent = await come();
    const [one, to] = [agent.messages, agent.id];
    const first = await one.send(to, { n: 0 }, { type: 'question', conversationId: 'trip-7' });
    say(first.status, (await one.send(to, { n: 0 }, { type: 'question', conversationId: 'trip-7', id: first.id })).status);
    say(await fails(one.send('01a00000-0000-7000-8000-000000000000')), await fails(one.send(to, {}, { type: 'Not So' })));
    say((await one.sendBatch([newMessage(to, { n: 1 }), newMessage(to, { n: 2 })])).map(({ status }) => status),
      (await one.notify(to, 'task.done', { n: 3 })).status);
    const batch = await one.receive({ max: 2, lease: 30 });
    say([...batch].map(({ body }) => body.n));
    await batch.ack(batch.messages[0]);
    await batch.renew(60);
    await batch.nack({ messages: [batch.messages[1]] });
    say(await fails(batch.renew()));
    for await (const message of one.stream()) {
      say(message.body.n, message.notificationType ?? null);
      await one.ack([message.id]);
      if (message.body.n === 3) break;
    }
    await agent.close();
  },
  async lease() {
    const agent = await come();
    for (const n of [0, 1]) await agent.messages.send(agent.id, { n });
    const stop = new AbortController();
    const seen = [];
    await agent.messages.run(async ({ body, deliveries }) => {
      seen.push([body.n, deliveries]);
      if (seen.length === 2) throw new Error('not today');
      await sleep(2500);
      if (seen.length === 3) stop.abort();
    }, { signal: stop.signal, lease: 1, delay: 1 });
    say(seen);
    await agent.close();
  },
  async steps() {
    const agent = await come();
    const stop = new AbortController();
    const [tried, reports] = [[], []];
    await agent.plans.run(async (step) => {
      tried.push([step.stepId, step.attempt]);
      if (step.stepId === 'a') {
        await sleep(2500);
        return { result: { stations: 3 }, reference: 'file:a', confidence: 0.89, quality: 0.92 };
      }
      if (step.stepId === 'b' && step.attempt === 1) throw new Error('the sensor is asleep');
      if (step.stepId === 'b') return { result: [step.inputs, await step.resultOf('a')] };
      throw new NotRetryable('there is nothing to say');
    }, { signal: stop.signal, waitMs: 5000, onReport: ({ stepId, outcome }) => {
      reports.push([stepId, outcome]);
      if (stepId === 'c') stop.abort();
    } });
    say(tried, reports);
    await agent.close();
  },
  async later() {
    let agent = await come({ retry: { attempts: 1, firstMs: 10, mostMs: 10 } });
    await agent.messages.send(agent.id, { n: 0 });
    say(await fails(agent.messages.send(agent.id, { n: 1 })));
    await agent.close();
    agent = await come({ retry: { attempts: 2, firstMs: 10, mostMs: 10 } });
    const began = performance.now();
    const emptied = sleep(1000).then(() => agent.messages.receive()).then((batch) => batch.ack());
    say((await agent.messages.send(agent.id, { n: 1 })).status, performance.now() - began);
    await emptied;
    await agent.close();
  },
  async away() {
    const agent = (await come({ retry: { attempts: 30, firstMs: 200, mostMs: 1000 } })).start();
    say((await agent.describe()).status);
    await once(process.stdin, 'data');
    say((await agent.describe()).hostname);
    for (let tries = 0; tries < 100 && agent.heart.problem; tries += 1) await sleep(50);
    say(agent.heart.problem ?? null);
    await agent.close();
  },
  async trace() {
    const agent = await come();
    const batch = await agent.messages.receive();
    await batch.process(async () => {
      await agent.messages.send('user:ada', { trace: currentTrace().traceId });
      await batch.ack();
    });
    say(spans.map(({ context, parent, links, ...rest }) => ({ ...rest, context: context.fields(), parent: parent.fields(), links: links.map((each) => each.fields()) })));
    await agent.close();
  },
  async openTelemetry() {
    const api = await import('@opentelemetry/api');
    const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.addSpanProcessor?.(new SimpleSpanProcessor(exporter));
    const agent = await come({ openTelemetry: { api, tracer: provider.getTracer('agents') } });
    const batch = await agent.messages.receive();
    await batch.process(async () => {
      await agent.messages.send('user:ada', { spanId: currentTrace().spanId });
      await batch.ack();
    });
    const [span] = exporter.getFinishedSpans();
    say({ name: span.name, attributes: span.attributes, trace: span.spanContext().traceId, id: span.spanContext().spanId,
      parent: span.parentSpanId ?? span.parentSpanContext?.spanId, links: span.links.map(({ context }) => context.traceId) });
    await agent.close();
  },
};

await cases[name]();
