// Calls in the agent's name: tokens that are renewed in time, attempts that are repeated where that is right.

import { setTimeout as sleep } from 'node:timers/promises';

import { AnswerLost, EnrolmentNeeded, GatehouseError, NotSent, Refused, Unauthenticated, isPassing, refusal } from './errors.js';
import { makeRequest } from './keys.js';
import { ROUTES } from './routes.js';
import { currentTrace } from './trace.js';
import { Transport } from './transport.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Folder} Folder */
/** @typedef {import('./transport.js').Answer} Answer */
/** @typedef {keyof typeof ROUTES} RouteName */
/** Attempts at most, and the bounds of the pause between two of them. @typedef {{attempts: number, firstMs: number, mostMs: number}} Retry */
/** @typedef {{path?: Record<string, string>, query?: Record<string, string | number>, body?: Record<string, unknown>}} Said */
/** `timeoutMs`: beyond the usual, for long polls. @typedef {{timeoutMs?: number, repeat?: boolean, retry?: Retry, signal?: AbortSignal}} Manner */

/** On a connection of their own: an idle one may end as they are sent. @type {Set<RouteName>} */
const ONE_TIME = new Set(/** @type {RouteName[]} */ (['enrol', 'refresh']));
const RENEW_AFTER = 2 / 3; // of the life of a token or certificate
const RETRY_AFTER_MAX = 120; // seconds; longer is for the caller to wait
const RENEWAL_PAUSE = 60; // seconds between attempts at a certificate that failed
const RETRIED = new Set([429, 502, 503, 504, 507]);

/** @type {Retry} */
export const RETRY = Object.freeze({ attempts: 5, firstMs: 200, mostMs: 10_000 });
/** @type {Retry} */
export const BRIEF = Object.freeze({ attempts: 2, firstMs: 200, mostMs: 10_000 });

export const now = () => Date.now() / 1000;

/**
 * After attempt number `attempt`, from 1. Never less than the house said, and a little more by chance.
 * @param {Retry} retry @param {number} attempt @param {number} [retryAfter] seconds
 */
export const pauseMs = (retry, attempt, retryAfter = 0) =>
  retryAfter * 1000 + Math.random() * Math.min(retry.mostMs, retry.firstMs * 2 ** (attempt - 1));

/** @param {readonly string[]} allowed @param {object} said @param {string} where */
function checkNames(allowed, said, where) {
  for (const name of Object.keys(said)) if (!allowed.includes(name)) throw new TypeError(`${where} takes no ${name}`);
}

/** @param {RouteName} name @param {Said} said */
export function targetOf(name, { path = {}, query = {} }) {
  const route = ROUTES[name];
  checkNames(route.query, query, route.path);
  const target = route.path.replace(/\{([a-z]+)\}/g, (_, part) => encodeURIComponent(path[part]).replaceAll('%3A', ':'));
  const search = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
  return search ? `${target}?${search}` : target;
}

/** @param {Answer} answer */
export function refusalOf(answer) {
  let problem = {};
  try {
    const read = JSON.parse(answer.body);
    if (typeof read === 'object' && read !== null) problem = read;
  } catch {
    // a proxy's page: its status says enough
  }
  const said = String(answer.headers['retry-after'] ?? '');
  return refusal(answer.status, problem, /^[0-9]+$/.test(said) ? Number(said) : undefined);
}

/** The house itself has said no, and not a proxy before it nor a database that ended in between. @param {Refused} refused */
const surelyNotTaken = ({ status, code }) =>
  [429, 503, 507].includes(status) && !code.startsWith('http.') && code !== 'storage.commit_unknown';

/**
 * Sends what the table says. What may not be repeated is sent again only when it was surely not taken.
 * @param {Transport} transport @param {RouteName} name @param {Said} said
 * @param {() => Promise<Record<string, string>>} headers @param {Manner & {retry: Retry, timeoutMs: number}} manner
 * @returns {Promise<any>} the JSON of the answer
 */
export async function tryOften(transport, name, said, headers, manner) {
  const route = ROUTES[name];
  checkNames(route.body, said.body ?? {}, route.path);
  const target = targetOf(name, said);
  const body = said.body && JSON.stringify(said.body);
  const mayRepeat = manner.repeat ?? route.repeat;
  for (let attempt = 1; ; attempt += 1) {
    let again = false;
    let pause = pauseMs(manner.retry, attempt);
    /** @type {GatehouseError} */
    let problem;
    try {
      const sending = { headers: await headers(), body, timeoutMs: manner.timeoutMs, fresh: ONE_TIME.has(name), signal: manner.signal };
      const answer = await transport.request(route.method, target, sending);
      if (answer.status < 300) return answer.body ? JSON.parse(answer.body) : undefined;
      const refused = refusalOf(answer);
      again = RETRIED.has(answer.status) && (mayRepeat || surelyNotTaken(refused));
      if (refused.retryAfter !== undefined) {
        again &&= refused.retryAfter <= RETRY_AFTER_MAX;
        pause = pauseMs(manner.retry, attempt, refused.retryAfter);
      }
      problem = refused;
    } catch (caught) {
      manner.signal?.throwIfAborted();
      if (!(caught instanceof NotSent || caught instanceof AnswerLost)) throw caught;
      again = caught instanceof NotSent || mayRepeat;
      problem = caught;
    }
    if (!again || attempt >= manner.retry.attempts) throw problem;
    await sleep(pause, undefined, { signal: manner.signal });
  }
}

/** @type {Record<string, string>} */
const PLAIN = { 'Content-Type': 'application/json', Accept: 'application/json', 'User-Agent': 'gatehouse-agent-javascript' };
const plain = async () => PLAIN;

/** The tokens of one agent. */
export class Session {
  /** @type {Promise<void> | undefined} */
  #renewing;
  /** @type {string | undefined} */
  #ended;
  #certificateAfter = 0;
  #closing = new AbortController();

  /** @param {Folder} folder @param {State} state @param {{retry: Retry, timeoutMs: number, log: (text: string) => void}} options */
  constructor(folder, state, { retry, timeoutMs, log }) {
    this.folder = folder;
    this.state = state;
    this.retry = retry;
    this.timeoutMs = timeoutMs;
    this.log = log;
    this.transport = new Transport(state.url, state.trust);
  }

  /** Aborted when the agent is closed. @returns {AbortSignal} */
  get closed() {
    return this.#closing.signal;
  }

  /** @param {RouteName} name @param {Said} [said] @param {Manner} [manner] @returns {Promise<any>} */
  async call(name, said = {}, manner = {}) {
    const signal = manner.signal ? AbortSignal.any([manner.signal, this.closed]) : this.closed;
    const whole = { retry: this.retry, ...manner, signal, timeoutMs: this.timeoutMs + (manner.timeoutMs ?? 0) };
    const token = await this.accessToken();
    try {
      return await tryOften(this.transport, name, said, () => this.headers(), whole);
    } catch (problem) {
      if (!(problem instanceof Unauthenticated)) throw problem;
      await this.#renewTokens(token);
    }
    return tryOften(this.transport, name, said, () => this.headers(), whole);
  }

  async headers() {
    const context = currentTrace();
    return { ...PLAIN, Authorization: `Bearer ${await this.accessToken()}`, ...(context ? { traceparent: context.traceparent() } : {}) };
  }

  async accessToken() {
    const { access_begun: begun, access_ends: ends, access_token: token, refreshing } = this.state;
    if (now() >= begun + (ends - begun) * RENEW_AFTER && !this.#ended && (!refreshing || this.#renewing)) {
      await this.#renewTokens(token).catch((problem) => {
        if (!isPassing(problem)) throw problem;
        this.log(`the access token was not renewed: ${problem.message}`);
      });
    }
    if (now() >= this.state.access_ends) throw new EnrolmentNeeded(this.#ended ?? 'the tokens have ended');
    return this.state.access_token;
  }

  /** Once for all who want it. @param {string} insteadOf */
  async #renewTokens(insteadOf) {
    if (this.state.access_token !== insteadOf) return;
    this.#renewing ??= this.#refresh().finally(() => { this.#renewing = undefined; });
    await this.#renewing;
  }

  /**
   * That the token is used is written down before it is, and its successor before anything is done with it: a process that
   * is killed in between never shows a token twice.
   */
  async #refresh() {
    const state = this.state;
    if (this.#ended || state.refreshing)
      throw new EnrolmentNeeded(this.#ended ?? 'the answer to the last refresh token was lost');
    if (now() >= state.refresh_ends) throw this.#end('the refresh token has ended');
    this.#keep({ ...state, refreshing: true });
    let answer;
    try {
      // Not with the signal of the agent's end: a refresh that has begun is waited for.
      answer = await tryOften(this.transport, 'refresh', { body: { refresh_token: state.refresh_token } }, plain,
        { retry: this.retry, timeoutMs: this.timeoutMs });
    } catch (problem) {
      if (problem instanceof AnswerLost)
        throw new EnrolmentNeeded(`the answer to a refresh token was lost, and it may not be shown again: ${problem.message}`);
      if (problem instanceof Unauthenticated) throw this.#end(`the refresh token was refused: ${problem.message}`);
      if (problem instanceof NotSent || (problem instanceof Refused && surelyNotTaken(problem))) this.#keep(state);
      throw problem;
    }
    this.#keep(withTokens({ ...this.state, refreshing: false }, answer));
  }

  /** @param {string} reason */
  #end(reason) {
    this.#ended = reason;
    return new EnrolmentNeeded(reason);
  }

  /** @param {State} state */
  #keep(state) {
    this.state = state;
    this.folder.save(state);
  }

  /** The next one, with the same key, over TLS with the one that is there. */
  async renewCertificate() {
    const transport = new Transport(this.state.pki_url, this.state.trust, this.folder);
    try {
      const answer = await tryOften(transport, 'certificate', { body: { csr: makeRequest(this.folder.key()) } }, plain,
        { retry: this.retry, timeoutMs: this.timeoutMs, signal: this.closed });
      this.#keep(withCertificate(this.state, answer));
      this.folder.saveCertificate(this.state);
    } finally {
      transport.close();
    }
  }

  /** What is due: tokens and certificate. Throws EnrolmentNeeded alone; what else fails is tried again later. */
  async tend() {
    await this.accessToken();
    const { certificate_begun: begun, certificate_ends: ends, pki_url: url } = this.state;
    if (!url.startsWith('https:') || now() < Math.max(begun + (ends - begun) * RENEW_AFTER, this.#certificateAfter)) return;
    this.#certificateAfter = now() + RENEWAL_PAUSE;
    try {
      await this.renewCertificate();
    } catch (problem) {
      if (!(problem instanceof GatehouseError)) throw problem;
      this.log(`the certificate was not renewed: ${problem.message}`);
    }
  }

  /** A pause of a loop that goes on; false: it ends. @param {unknown} problem @param {AbortSignal} [signal] */
  async outlives(problem, signal) {
    if (this.closed.aborted || signal?.aborted || !isPassing(problem)) return false;
    this.log(`${problem.message}; it goes on`);
    const said = problem instanceof Refused ? problem.retryAfter ?? 0 : 0;
    return sleep(Math.max(1, said) * 1000 + Math.random() * 1000, true, { signal: this.closed }).catch(() => false);
  }

  async close() {
    this.#closing.abort(new GatehouseError('the agent is closed'));
    await this.#renewing?.catch(() => {});
    this.transport.close();
  }
}

/** @param {State} state @param {any} tokens @returns {State} */
function withTokens(state, tokens) {
  return {
    ...state, access_token: tokens.access_token, access_begun: now(), access_ends: now() + tokens.expires_in,
    refresh_token: tokens.refresh_token, refresh_ends: Date.parse(tokens.refresh_expires_at) / 1000,
  };
}

/** @param {State} state @param {any} answer @returns {State} */
function withCertificate(state, answer) {
  return {
    ...state, certificate: answer.certificate, ca: answer.ca, certificate_begun: now(),
    certificate_ends: Date.parse(answer.not_after) / 1000,
  };
}

/**
 * A one-time token becomes all that an agent needs. It is shown once: an answer that is lost takes another token.
 * @param {Folder} folder @param {Record<string, unknown>} body @param {{url: string, pki_url: string, key_sha256: string, trust: string | null}} where
 * @param {{retry: Retry, timeoutMs: number}} manner
 * @returns {Promise<State>}
 */
export async function enrol(folder, body, where, manner) {
  const transport = new Transport(where.url, where.trust);
  let answer;
  try {
    answer = await tryOften(transport, 'enrol', { body }, plain, manner);
  } catch (problem) {
    if (!(problem instanceof AnswerLost)) throw problem;
    throw new EnrolmentNeeded(`the answer to the one-time token was lost: ${problem.message}`);
  } finally {
    transport.close();
  }
  /** @type {State} */
  const blank = {
    ...where, agent_id: answer.agent.id, hostname: answer.agent.hostname, certificate: '', ca: '', certificate_begun: 0,
    certificate_ends: 0, access_token: '', access_begun: 0, access_ends: 0, refresh_token: '', refresh_ends: 0,
    interval_ms: answer.heartbeat_interval_ms, refreshing: false,
  };
  const state = withTokens(withCertificate(blank, answer), answer.tokens);
  folder.save(state);
  folder.takeKey(state);
  folder.saveCertificate(state);
  return state;
}
