// Heartbeats in the background: that the agent is there, how it is, and what it has run since the one before.

import { AnswerLost, EnrolmentNeeded, GatehouseError, Invalid } from './errors.js';

/** @typedef {import('./session.js').Session} Session */
/** @typedef {{status: 'success' | 'error', duration_ms: number}} Invocation */
/** @typedef {{model: string, duration_ms: number, input_tokens?: number, output_tokens?: number}} LlmCall */
/** @typedef {{interval_ms: number, offline_after_ms: number, durable_within_ms: number}} Heard */

const ITEMS_MAX = 200; // of each kind in one heartbeat
const WAITING_MAX = 5000; // beyond, the oldest are forgotten
const ONCE = { attempts: 1, firstMs: 0, mostMs: 0 }; // the next one comes soon

/** What was run. */
export class Activity {
  /** @type {Invocation[]} */
  #invocations = [];
  /** @type {LlmCall[]} */
  #llmCalls = [];
  #running = 0;
  #waiting = 0;
  #failed = false;

  /** One run of the agent has ended. @param {boolean} succeeded @param {number} durationMs */
  invoked(succeeded, durationMs) {
    this.#failed = !succeeded;
    this.#invocations.push({ status: succeeded ? 'success' : 'error', duration_ms: Math.round(durationMs) });
    this.#invocations.splice(0, this.#invocations.length - WAITING_MAX);
  }

  /**
   * One call of a language model has ended.
   * @param {string} model @param {number} durationMs @param {{inputTokens?: number, outputTokens?: number}} [tokens]
   */
  llmCalled(model, durationMs, { inputTokens, outputTokens } = {}) {
    this.#llmCalls.push({
      model, duration_ms: Math.round(durationMs), ...(inputTokens === undefined ? {} : { input_tokens: inputTokens }),
      ...(outputTokens === undefined ? {} : { output_tokens: outputTokens }),
    });
    this.#llmCalls.splice(0, this.#llmCalls.length - WAITING_MAX);
  }

  /**
   * A run: timed, counted, a failure when it throws.
   * @template T
   * @param {() => Promise<T>} work
   */
  async invocation(work) {
    const began = performance.now();
    let succeeded = false;
    this.#running += 1;
    try {
      const done = await work();
      succeeded = true;
      return done;
    } finally {
      this.#running -= 1;
      this.invoked(succeeded, performance.now() - began);
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} wait
   */
  async waiting(wait) {
    this.#waiting += 1;
    try {
      return await wait();
    } finally {
      this.#waiting -= 1;
    }
  }

  /** `error` is after a run that failed, `waiting` for work. @returns {'processing' | 'error' | 'waiting' | 'idle'} */
  get state() {
    if (this.#running) return 'processing';
    if (this.#failed) return 'error';
    return this.#waiting ? 'waiting' : 'idle';
  }

  /** The oldest, no more than a heartbeat may carry. */
  take() {
    return { invocations: this.#invocations.splice(0, ITEMS_MAX), llm_calls: this.#llmCalls.splice(0, ITEMS_MAX) };
  }

  /** The house has not heard of them. @param {ReturnType<Activity['take']>} taken */
  giveBack(taken) {
    this.#invocations.unshift(...taken.invocations);
    this.#llmCalls.unshift(...taken.llm_calls);
  }
}

/** Beats as often as the house wants, and tends tokens and certificate on the way. */
export class Heart {
  #session;
  #activity;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {Promise<void> | undefined} */
  #beating;
  #stopped = false;

  /** @param {Session} session @param {Activity} activity */
  constructor(session, activity) {
    this.#session = session;
    this.#activity = activity;
    /** @type {'online' | 'degraded'} */
    this.status = 'online';
    this.intervalMs = session.state.interval_ms;
    /** @type {GatehouseError | undefined} */
    this.problem = undefined;
  }

  /** Now. @returns {Promise<Heard>} */
  async beat() {
    const taken = this.#activity.take();
    /** @type {Record<string, unknown>} */
    const body = { status: this.status, state: this.#activity.state };
    for (const [name, items] of Object.entries(taken)) if (items.length) body[name] = items;
    try {
      const heard = await this.#session.call('heartbeat', { path: { agent: this.#session.state.agent_id }, body }, { retry: ONCE });
      this.intervalMs = heard.interval_ms;
      return heard;
    } catch (problem) {
      if (!(problem instanceof AnswerLost || problem instanceof Invalid)) this.#activity.giveBack(taken);
      throw problem;
    }
  }

  start() {
    this.#beating ??= this.#once();
  }

  async #once() {
    try {
      await this.#session.tend();
      await this.beat();
      this.problem = undefined;
    } catch (problem) {
      if (this.#stopped) return;
      this.problem = problem instanceof GatehouseError ? problem : new GatehouseError(String(problem), { cause: problem });
      this.#session.log(`a heartbeat was not heard: ${this.problem.message}`);
      if (problem instanceof EnrolmentNeeded) return;
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(() => { this.#beating = this.#once(); }, this.intervalMs * (0.8 + 0.2 * Math.random()));
  }

  async stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#beating;
  }
}
