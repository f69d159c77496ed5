// Traces that go on: who sent a message or made a plan began one, and what is done for it belongs there (W3C Trace Context).

import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';

/** @typedef {Record<string, string | number | boolean>} Attributes */

/** A span of somebody's: what `_trace_context` of a message or a step says. */
export class TraceContext {
  /** @param {string} traceId @param {string} spanId @param {number} flags */
  constructor(traceId, spanId, flags = 1) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.flags = flags;
    Object.freeze(this);
  }

  /**
   * Of the members `trace_id`, `span_id` and `trace_flags`.
   * @param {unknown} value
   * @returns {TraceContext | undefined} undefined: there is none, or it is invalid
   */
  static parse(value) {
    if (typeof value !== 'object' || value === null) return undefined;
    const read = /** @type {Record<string, unknown>} */ (value);
    const { trace_id: traceId, span_id: spanId } = read;
    let flags = read.trace_flags ?? 1;
    if (typeof traceId !== 'string' || !/^[0-9a-f]{32}$/.test(traceId) || /^0+$/.test(traceId)) return undefined;
    if (typeof spanId !== 'string' || !/^[0-9a-f]{16}$/.test(spanId) || /^0+$/.test(spanId)) return undefined;
    if (typeof flags === 'string') flags = /^[0-9a-f]{2}$/.test(flags) ? parseInt(flags, 16) : -1;
    if (typeof flags !== 'number' || !Number.isInteger(flags) || flags < 0 || flags > 255) return undefined;
    return new TraceContext(traceId, spanId, flags);
  }

  static begin() {
    return new TraceContext(crypto.randomBytes(16).toString('hex'), crypto.randomBytes(8).toString('hex'));
  }

  child() {
    return new TraceContext(this.traceId, crypto.randomBytes(8).toString('hex'), this.flags);
  }

  traceparent() {
    return `00-${this.traceId}-${this.spanId}-${this.flags.toString(16).padStart(2, '0')}`;
  }

  /** As a message carries it. */
  fields() {
    return { trace_id: this.traceId, span_id: this.spanId, trace_flags: this.flags };
  }
}

/**
 * What was done, for a hook of the caller's. Times are milliseconds since 1970.
 * @typedef {{name: string, context: TraceContext, parent: TraceContext | undefined, links: TraceContext[], attributes: Attributes,
 *   start: number, end: number, error?: unknown}} Span
 */

/**
 * `api` is the module `@opentelemetry/api`, `tracer` one of its tracers.
 * @typedef {{api: any, tracer: any}} OpenTelemetry
 */

/** @type {AsyncLocalStorage<TraceContext | undefined>} */
const current = new AsyncLocalStorage();

/** Where requests that are made now belong. */
export const currentTrace = () => current.getStore();

/**
 * Requests inside carry this context as their `traceparent`.
 * @template T
 * @param {TraceContext | undefined} context @param {() => T} work
 */
export const continueTrace = (context, work) => current.run(context, work);

/** Makes spans: for `onSpan`, called with each that has ended, or for a tracer of OpenTelemetry. */
export class Tracing {
  #onSpan;
  #openTelemetry;

  /** @param {((span: Span) => void) | undefined} onSpan @param {OpenTelemetry | undefined} openTelemetry */
  constructor(onSpan, openTelemetry) {
    this.#onSpan = onSpan;
    this.#openTelemetry = openTelemetry;
  }

  /**
   * A child of the first context, linked with the others; without any, in the caller's own trace or a new one.
   * @template T
   * @param {string} name @param {(TraceContext | undefined)[]} contexts @param {Attributes} attributes @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async span(name, contexts, attributes, work) {
    /** @type {Map<string, TraceContext>} */
    const known = new Map();
    for (const each of contexts) if (each) known.set(each.traceparent(), each);
    const [first, ...links] = known.values();
    const parent = first ?? currentTrace();
    if (this.#openTelemetry) return this.#ofOpenTelemetry(this.#openTelemetry, name, parent, links, attributes, work);
    const context = parent ? parent.child() : TraceContext.begin();
    /** @type {Span} */
    const span = { name, context, parent, links, attributes, start: Date.now(), end: 0 };
    try {
      return await continueTrace(context, work);
    } catch (problem) {
      span.error = problem;
      throw problem;
    } finally {
      span.end = Date.now();
      this.#onSpan?.(span);
    }
  }

  /**
   * @template T
   * @param {OpenTelemetry} openTelemetry @param {string} name @param {TraceContext | undefined} parent @param {TraceContext[]} links
   * @param {Attributes} attributes @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #ofOpenTelemetry({ api, tracer }, name, parent, links, attributes, work) {
    const remote = (/** @type {TraceContext} */ { traceId, spanId, flags }) => ({ traceId, spanId, traceFlags: flags, isRemote: true });
    const above = parent ? api.trace.setSpanContext(api.context.active(), remote(parent)) : api.context.active();
    const options = { kind: api.SpanKind.CONSUMER, attributes, links: links.map((each) => ({ context: remote(each) })) };
    const span = tracer.startSpan(name, options, above);
    const made = span.spanContext();
    const context = api.isSpanContextValid(made) ? new TraceContext(made.traceId, made.spanId, made.traceFlags) : parent;
    try {
      return await api.context.with(api.trace.setSpan(above, span), () => continueTrace(context, work));
    } catch (problem) {
      span.recordException(problem);
      span.setStatus({ code: api.SpanStatusCode.ERROR });
      throw problem;
    } finally {
      span.end();
    }
  }
}
