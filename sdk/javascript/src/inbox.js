// Messages: sent, received by long polls or as a stream, acknowledged, given back, their leases renewed.

import crypto from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { AnswerLost, GatehouseError, LeaseLost, isPassing } from './errors.js';
import { keepLease } from './lease.js';
import { BRIEF, pauseMs, refusalOf, targetOf } from './session.js';
import { TraceContext } from './trace.js';

/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./session.js').Retry} Retry */
/** @typedef {import('./beat.js').Activity} Activity */
/** @typedef {import('./trace.js').Tracing} Tracing */
/**
 * Something of the inbox. `raw` is all that the house said of it.
 * @typedef {{id: string, kind: 'message' | 'notification' | 'task', sender: string, body: Record<string, any>, type?: string,
 *   conversationId?: string, notificationType?: string, deliveries: number, receipt: string, trace?: TraceContext, raw: any}} Message
 */
/** What became of a message: 201 sent, 200 sent before, else refused for the reason `code`. @typedef {{id: string, status: number, code?: string}} Sent */
/** @typedef {{id?: string, type?: string, conversationId?: string, deliverAt?: Date | string, expiresAt?: Date | string, trace?: TraceContext}} Sending */

const LEASE_SECONDS = 60;
const WAIT_SECONDS = 20;
const SILENCE_MS = 45_000; // of a stream that says every 15 s that it is still there

/** @param {any} raw @returns {Message} */
const messageOf = (raw) => ({
  id: raw.id, kind: raw.kind, sender: raw.sender, body: raw.body, type: raw.type, conversationId: raw.conversation_id,
  notificationType: raw.notification_type, deliveries: raw.deliveries, receipt: raw.receipt ?? '',
  trace: TraceContext.parse(raw._trace_context), raw,
});

/** @param {Date | string | undefined} moment */
const momentOf = (moment) => (moment instanceof Date ? moment.toISOString().replace(/\.[0-9]+Z$/, 'Z') : moment);

/**
 * As the API takes it. Without `trace` it belongs to the trace of the request that sends it.
 * @param {string} recipient the id of an agent, or `user:NAME`, `service:NAME`, `api_key:ID`
 * @param {Record<string, unknown>} [body] @param {Sending} [more]
 * @returns {Record<string, unknown>}
 */
export const newMessage = (recipient, body = {}, more = {}) => withoutUndefined({
  id: more.id ?? crypto.randomUUID(), recipient, body, type: more.type, conversation_id: more.conversationId,
  deliver_at: momentOf(more.deliverAt), expires_at: momentOf(more.expiresAt), _trace_context: more.trace?.fields(),
});

/** @param {Record<string, unknown>} members */
const withoutUndefined = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/** @param {any} read @returns {Sent} */
const sentOf = (read) => ({ id: read.id, status: read.status, code: read.code });

/** Messages that are leased together, in their order. */
export class Batch {
  #inbox;
  #lost = new AbortController();

  /** @param {Messages} inbox @param {Message[]} messages @param {string} receipt @param {number} lease seconds */
  constructor(inbox, messages, receipt, lease) {
    this.#inbox = inbox;
    this.messages = messages;
    this.receipt = receipt;
    this.lease = lease;
  }

  [Symbol.iterator]() {
    return this.messages[Symbol.iterator]();
  }

  get length() {
    return this.messages.length;
  }

  /** Aborted when they were given to another. @returns {AbortSignal} */
  get lost() {
    return this.#lost.signal;
  }

  /** These are done with, without arguments all of them. @param {...Message} messages */
  ack(...messages) {
    return this.#inbox.ack((messages.length ? messages : this.messages).map(({ id }) => id));
  }

  /** Given back. LeaseLost: they are out no more. @param {{messages?: Message[], delay?: number}} [which] delay in seconds */
  nack({ messages = this.messages, delay = 0 } = {}) {
    return this.#inbox.nack(this.receipt, messages.map(({ id }) => id), delay);
  }

  /** More time, from now. LeaseLost: they are out no more. @param {number} [seconds] */
  renew(seconds = this.lease) {
    return this.#inbox.renew(this.receipt, seconds);
  }

  /**
   * Work on them: the lease is kept, requests belong to the senders' trace, one span `process_notifications` tells of it.
   * @template T
   * @param {(batch: Batch) => Promise<T>} work
   */
  process(work) {
    return this.#inbox.processing(this, this.#lost, work);
  }
}

/** The inbox of an agent, and what it sends. */
export class Messages {
  #session;
  #tracing;
  #activity;

  /** @param {Session} session @param {Tracing} tracing @param {Activity} activity */
  constructor(session, tracing, activity) {
    this.#session = session;
    this.#tracing = tracing;
    this.#activity = activity;
  }

  /**
   * It has an id of its own, so that it is sent once however often it is tried.
   * @param {string} recipient the id of an agent, or `user:NAME`, `service:NAME`, `api_key:ID`
   * @param {Record<string, unknown>} [body] @param {Sending} [more]
   */
  async send(recipient, body = {}, more = {}) {
    return sentOf(await this.#session.call('send', { body: newMessage(recipient, body, more) }));
  }

  /** Up to a hundred, made with `newMessage`, each judged by itself. @param {Record<string, unknown>[]} messages @returns {Promise<Sent[]>} */
  async sendBatch(messages) {
    return (await this.#session.call('sendBatch', { body: { messages } })).items.map(sentOf);
  }

  /**
   * Something has happened.
   * @param {string} recipient @param {string} notificationType @param {Record<string, unknown>} [body]
   * @param {{notificationId?: string, deliverAt?: Date | string, expiresAt?: Date | string}} [more]
   */
  async notify(recipient, notificationType, body = {}, more = {}) {
    const said = withoutUndefined({
      notification_id: more.notificationId ?? crypto.randomUUID(), recipient, notification_type: notificationType, body,
      deliver_at: momentOf(more.deliverAt), expires_at: momentOf(more.expiresAt),
    });
    return sentOf(await this.#session.call('notify', { body: said }));
  }

  /**
   * The first of the line, or what comes within `wait` seconds (30 at most); empty: nothing came.
   * @param {{max?: number, wait?: number, lease?: number, signal?: AbortSignal}} [how]
   */
  async receive({ max = 10, wait = WAIT_SECONDS, lease = LEASE_SECONDS, signal } = {}) {
    const manner = { timeoutMs: wait * 1000, ...(signal ? { signal } : {}) };
    const read = await this.#activity.waiting(() => this.#session.call('receive', { query: { max, wait, lease } }, manner));
    return new Batch(this, read.messages.map(messageOf), read.receipt ?? '', lease);
  }

  /** @param {string[]} ids */
  async ack(ids) {
    await this.#session.call('ack', { body: { ids } });
  }

  /** @param {string} receipt @param {string[]} ids @param {number} delay seconds */
  async nack(receipt, ids, delay = 0) {
    await this.#session.call('nack', { body: { receipt, ids, delay_seconds: delay } });
  }

  /** @param {string} receipt @param {number} seconds @param {Retry} [retry] */
  async renew(receipt, seconds, retry) {
    await this.#session.call('renewLease', { body: { receipt, lease_seconds: seconds } }, retry ? { retry } : {});
  }

  /**
   * Messages as they come (Server-Sent Events), without end. The next ones follow when these are acknowledged: with
   * `ack([message.id])`. A connection that ends is made anew, and what was not acknowledged comes again.
   * @param {{max?: number, lease?: number}} [how]
   * @returns {AsyncGenerator<Message, void, void>}
   */
  async *stream({ max = 1, lease = LEASE_SECONDS } = {}) {
    let receipt = '';
    for (let failures = 0; !this.#session.closed.aborted;) {
      /** @type {number | undefined} */
      let retryAfter;
      failures += 1;
      try {
        for await (const message of this.#connection(max, lease, receipt)) {
          ({ receipt } = message);
          failures = 0;
          yield message;
        }
      } catch (problem) {
        if (this.#session.closed.aborted) return;
        if (!isPassing(problem)) throw problem;
        this.#session.log(`the stream of messages has ended: ${problem.message}`);
        if ('retryAfter' in problem) ({ retryAfter } = problem);
      }
      await sleep(pauseMs(this.#session.retry, failures, retryAfter), undefined, { signal: this.#session.closed }).catch(() => {});
    }
  }

  /** @param {number} max @param {number} lease @param {string} receipt @returns {AsyncGenerator<Message, void, void>} */
  async *#connection(max, lease, receipt) {
    const headers = {
      ...await this.#session.headers(), Accept: 'text/event-stream', ...(receipt ? { 'Last-Event-ID': receipt } : {}),
    };
    const target = targetOf('stream', { query: { max, lease } });
    const response = await this.#session.transport.stream(target, { headers, timeoutMs: SILENCE_MS, signal: this.#session.closed });
    try {
      if (response.statusCode !== 200) {
        const body = (await response.toArray()).join('');
        throw refusalOf({ status: response.statusCode ?? 0, headers: response.headers, body });
      }
      response.setEncoding('utf8');
      for await (const data of eventsOf(response)) yield messageOf(JSON.parse(data));
    } catch (problem) {
      throw problem instanceof GatehouseError ? problem : new AnswerLost(`GET ${target}: ${problem}`, { cause: problem });
    } finally {
      response.destroy();
    }
  }

  /**
   * Until `signal`, or until the agent is closed: acknowledges what `handle` returns from, and gives back, for `delay` seconds,
   * what it throws at, with all behind it.
   * @param {(message: Message) => unknown} handle
   * @param {{signal?: AbortSignal, max?: number, lease?: number, wait?: number, delay?: number}} [how]
   */
  async run(handle, { signal, max = 1, lease, wait, delay = 5 } = {}) {
    while (!this.#session.closed.aborted && !signal?.aborted) {
      let batch;
      try {
        batch = await this.receive({ max, lease, wait });
      } catch (problem) {
        if (this.#session.closed.aborted) return;
        if (!await this.#session.outlives(problem, signal)) throw problem;
        continue;
      }
      if (batch.length) await this.#handle(batch, handle, delay);
    }
  }

  /** @param {Batch} batch @param {(message: Message) => unknown} handle @param {number} delay */
  async #handle(batch, handle, delay) {
    try {
      await batch.process(async () => {
        for (const message of batch) {
          if (batch.lost.aborted) return;
          await handle(message);
          await batch.ack(message);
        }
      });
    } catch (problem) {
      this.#session.log(`a message was not handled: ${problem}`);
      if (problem instanceof LeaseLost) return;
      await batch.nack({ delay }).catch((second) => {
        if (!(second instanceof LeaseLost || isPassing(second))) throw second; // else its lease ends by itself
      });
    }
  }

  /**
   * @template T
   * @param {Batch} batch @param {AbortController} lost @param {(batch: Batch) => Promise<T>} work
   */
  processing(batch, lost, work) {
    const attributes = { 'agent.name': this.#session.state.hostname, 'notification.count': batch.length };
    const renew = async () => {
      await this.renew(batch.receipt, batch.lease, BRIEF);
      return batch.lease * 1000;
    };
    return this.#tracing.span('process_notifications', batch.messages.map(({ trace }) => trace), attributes,
      () => this.#activity.invocation(() => keepLease(renew, batch.lease * 1000, lost, this.#session.log, () => work(batch))));
  }
}

/**
 * The data of each event (WHATWG HTML 9.2); comments and other fields are left out.
 * @param {AsyncIterable<string>} chunks
 * @returns {AsyncGenerator<string, void, void>}
 */
export async function* eventsOf(chunks) {
  let rest = '';
  /** @type {string[]} */
  let data = [];
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (!line && data.length) {
        yield data.join('\n');
        data = [];
      }
    }
  }
}
