// Steps of plans: claimed with a lease, worked on, completed or failed.

import { Invalid, LeaseLost } from './errors.js';
import { keepLease } from './lease.js';
import { BRIEF } from './session.js';
import { TraceContext, continueTrace } from './trace.js';

/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./session.js').RouteName} RouteName */
/** @typedef {import('./session.js').Manner} Manner */
/** @typedef {import('./beat.js').Activity} Activity */
/** @typedef {import('./trace.js').Tracing} Tracing */
/**
 * What a step depends on. `hasResult`: `Step.resultOf` reads it.
 * @typedef {{stepId: string, state: string, hasResult: boolean, reference?: string, confidence?: number, quality?: number}} Input
 */
/** What the house has taken down; the same again is answered the same.
 * @typedef {{planId: string, stepId: string, attempt: number, outcome: 'completed' | 'failed', durationMs: number}} Report */
/**
 * `confidence` and `quality` from 0 to 1; `reference` says where larger things are; `expand` are steps that this one becomes.
 * @typedef {{result?: unknown, reference?: string, confidence?: number, quality?: number, expand?: Record<string, unknown>[]}} Outcome
 */

const WAIT_MS = 20_000;

/** Thrown by a handler: another attempt at this step is of no use. */
export class NotRetryable extends Error {
  name = 'NotRetryable';
}

/** @param {any} read @returns {Report} */
const reportOf = (read) => ({
  planId: read.plan_id, stepId: read.step_id, attempt: read.attempt, outcome: read.outcome, durationMs: read.duration_ms,
});

/** A step that this agent has leased. */
export class Step {
  #plans;
  #lost = new AbortController();

  /** @param {Plans} plans @param {any} raw */
  constructor(plans, raw) {
    this.#plans = plans;
    this.raw = raw;
    /** @type {string} */
    this.planId = raw.plan_id;
    /** @type {string} */
    this.stepId = raw.step_id;
    /** @type {string} */
    this.type = raw.type;
    /** @type {string} */
    this.name = raw.name;
    /** @type {Record<string, any>} */
    this.metadata = raw.metadata;
    /** @type {number} */
    this.attempt = raw.attempt;
    /** @type {string} */
    this.lease = raw.lease;
    /** @type {number} */
    this.leaseMs = raw.lease_ms;
    /** @type {number | undefined} */
    this.timeoutMs = raw.timeout_ms;
    /** @type {Input[]} */
    this.inputs = raw.inputs.map((/** @type {any} */ each) => ({
      stepId: each.step_id, state: each.state, hasResult: Boolean(each.result), reference: each.reference,
      confidence: each.confidence, quality: each.quality,
    }));
    this.trace = TraceContext.parse(raw._trace_context);
  }

  /** Aborted when the step was given to another. @returns {AbortSignal} */
  get lost() {
    return this.#lost.signal;
  }

  /**
   * The lease is kept, requests belong to the plan's trace, a span `process_step` tells of it.
   * @template T
   * @param {(step: Step) => Promise<T>} work
   */
  working(work) {
    return this.#plans.working(this, this.#lost, work);
  }

  /** Renews the lease; for how many milliseconds. `working` does so by itself. */
  heartbeat() {
    return this.#plans.renew(this);
  }

  /** What a step that this one depends on has found. @param {string} stepId */
  resultOf(stepId) {
    return this.#plans.result(this.planId, stepId);
  }

  /** LeaseLost: it is another's by now. @param {Outcome} [outcome] */
  async complete(outcome = {}) {
    return reportOf(await this.#plans.call(this, 'stepComplete', { lease: this.lease, ...outcome }));
  }

  /** @param {string} error @param {{retryable?: boolean}} [how] */
  async fail(error, { retryable = true } = {}) {
    return reportOf(await this.#plans.call(this, 'stepFail', { lease: this.lease, error: error.slice(0, 4000) || 'error', retryable }));
  }
}

/** Work for an agent. */
export class Plans {
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
   * Steps that this agent can do, as soon as there is one; none: nothing came within `waitMs` (30 s at most).
   * @param {{max?: number, waitMs?: number}} [how]
   * @returns {Promise<Step[]>}
   */
  async claim({ max = 1, waitMs = WAIT_MS } = {}) {
    const read = await this.#activity.waiting(
      () => this.#session.call('claim', { body: { max, wait_ms: waitMs } }, { timeoutMs: waitMs }));
    return read.steps.map((/** @type {any} */ each) => new Step(this, each));
  }

  /** What the step has found, as JSON. @param {string} planId @param {string} stepId @returns {Promise<any>} */
  async result(planId, stepId) {
    return (await this.#session.call('stepResult', { path: { plan: planId, step: stepId } })).result;
  }

  /**
   * Until `signal`, or until the agent is closed, one step at a time. `handle` returns what `complete` is told; an error fails the
   * step, `NotRetryable` for good.
   * @param {(step: Step) => Promise<Outcome | void> | Outcome | void} handle
   * @param {{signal?: AbortSignal, waitMs?: number, onReport?: (report: Report) => void}} [how]
   */
  async run(handle, { signal, waitMs, onReport } = {}) {
    while (!this.#session.closed.aborted && !signal?.aborted) {
      /** @type {Step[]} */
      let steps = [];
      try {
        steps = await this.claim({ waitMs });
      } catch (problem) {
        if (this.#session.closed.aborted) return;
        if (!await this.#session.outlives(problem, signal)) throw problem;
      }
      for (const step of steps) {
        try {
          const report = await this.#work(step, handle);
          onReport?.(report);
        } catch (problem) {
          this.#session.log(`${step.planId}/${step.stepId} was not reported: ${problem}`);
        }
      }
    }
  }

  /**
   * It is completed while the lease is kept still. A report that did not get through is none of the handler's failures.
   * @param {Step} step @param {(step: Step) => Promise<Outcome | void> | Outcome | void} handle
   */
  async #work(step, handle) {
    let reporting = false;
    try {
      return await step.working(async () => {
        const outcome = await handle(step);
        reporting = true;
        return step.complete(outcome ?? {});
      });
    } catch (problem) {
      if (problem instanceof LeaseLost || (reporting && !(problem instanceof Invalid))) throw problem;
      this.#session.log(`${step.planId}/${step.stepId} has failed: ${problem}`);
      return continueTrace(step.trace, () => step.fail(String(problem), { retryable: !(problem instanceof NotRetryable) }));
    }
  }

  /** @param {Step} step @param {RouteName} name @param {Record<string, unknown>} body @param {Manner} [manner] */
  call(step, name, body, manner) {
    return this.#session.call(name, { path: { plan: step.planId, step: step.stepId }, body }, manner);
  }

  /** @param {Step} step @param {Manner} [manner] @returns {Promise<number>} */
  async renew(step, manner) {
    return (await this.call(step, 'stepHeartbeat', { lease: step.lease }, manner)).lease_ms;
  }

  /**
   * @template T
   * @param {Step} step @param {AbortController} lost @param {(step: Step) => Promise<T>} work
   */
  working(step, lost, work) {
    const attributes = {
      'agent.name': this.#session.state.hostname, 'plan.id': step.planId, 'plan.step.id': step.stepId, 'plan.step.type': step.type,
    };
    const keep = () => keepLease(() => this.renew(step, { retry: BRIEF }), step.leaseMs, lost, this.#session.log, () => work(step));
    return this.#tracing.span('process_step', [step.trace], attributes, () => this.#activity.invocation(keep));
  }
}
