// An agent: enrolled once, opened from its folder from then on.

import fs from 'node:fs';

import { Activity, Heart } from './beat.js';
import { ConfigurationError } from './errors.js';
import { Messages } from './inbox.js';
import { makeKey, makeRequest } from './keys.js';
import { Plans } from './plans.js';
import { RETRY, Session, enrol } from './session.js';
import { Folder, digestOf } from './state.js';
import { Tracing } from './trace.js';
import { checkUrl } from './transport.js';

/**
 * `timeoutMs`: for an answer, long polls aside. `onSpan` is called with each span that has ended; `openTelemetry` is asked for
 * spans instead. `log` is told what goes wrong in the background (default: nobody).
 * @typedef {{retry?: import('./session.js').Retry, timeoutMs?: number, onSpan?: (span: import('./trace.js').Span) => void,
 *   openTelemetry?: import('./trace.js').OpenTelemetry, log?: (text: string) => void}} Options
 */
/**
 * `caFile` is the root of the house, or of whoever vouches for its listener; without, what Node trusts. `pkiUrl` is a listener
 * with TLS, where the certificate is renewed (default: `url`). `again`: an agent that lives in the folder comes anew, with a new key.
 * @typedef {{url: string, token?: string, caFile?: string, pkiUrl?: string, agentVersion?: string, capabilities?: string[],
 *   again?: boolean, insecure?: boolean}} Enrolment
 */
/** @typedef {'info' | 'low' | 'medium' | 'high' | 'critical'} Severity */

/** Made with `enrol`, `open` or `openOrEnrol`; `start` has it beat in the background, `close` ends it. */
export class Agent {
  /** @param {Folder} folder @param {import('./state.js').State} state @param {Options} options */
  constructor(folder, state, { retry = RETRY, timeoutMs = 15_000, onSpan, openTelemetry, log = () => {} }) {
    this.session = new Session(folder, state, { retry, timeoutMs, log });
    this.activity = new Activity();
    this.heart = new Heart(this.session, this.activity);
    const tracing = new Tracing(onSpan, openTelemetry);
    this.messages = new Messages(this.session, tracing, this.activity);
    this.plans = new Plans(this.session, tracing, this.activity);
  }

  /**
   * Exchanges the one-time token for a certificate and tokens, kept in `folder`.
   * @param {string} folder @param {Enrolment & Options} options
   */
  static async enrol(folder, options) {
    const { url, token, caFile, pkiUrl = url, agentVersion, capabilities, again = false, insecure = false } = options;
    checkUrl(url, insecure);
    checkUrl(pkiUrl, insecure);
    if (!token) throw new ConfigurationError('there is no one-time token');
    const trust = caFile ? fs.readFileSync(caFile, 'utf8') : null;
    const kept = new Folder(folder);
    kept.hold();
    try {
      if (kept.isInhabited() && !again)
        throw new ConfigurationError(`an agent lives in ${kept.path} already: open it, or say again: true`);
      const key = makeKey();
      kept.write(kept.nextKeyFile, key);
      const body = {
        token, csr: makeRequest(key), ...(agentVersion === undefined ? {} : { agent_version: agentVersion }),
        ...(capabilities === undefined ? {} : { capabilities }),
      };
      const manner = { retry: options.retry ?? RETRY, timeoutMs: options.timeoutMs ?? 15_000 };
      const state = await enrol(kept, body, { url, pki_url: pkiUrl, key_sha256: digestOf(key), trust }, manner);
      return new Agent(kept, state, options);
    } catch (problem) {
      kept.letGo();
      throw problem;
    }
  }

  /**
   * As it was left. EnrolmentNeeded: nobody lives there. ConfigurationError: another process works with it.
   * @param {string} folder @param {Options} [options]
   */
  static async open(folder, options = {}) {
    const kept = new Folder(folder);
    kept.hold();
    try {
      const state = kept.load();
      kept.takeKey(state);
      kept.saveCertificate(state);
      return new Agent(kept, state, options);
    } catch (problem) {
      kept.letGo();
      throw problem;
    }
  }

  /**
   * For a program that is started again and again: the token counts at the first start alone.
   * @param {string} folder @param {Enrolment & Options} options
   */
  static async openOrEnrol(folder, options) {
    return new Folder(folder).isInhabited() ? Agent.open(folder, options) : Agent.enrol(folder, options);
  }

  get id() {
    return this.session.state.agent_id;
  }

  get name() {
    return this.session.state.hostname;
  }

  /** The agent, as the house has it. @returns {Promise<any>} */
  describe() {
    return this.session.call('self');
  }

  /**
   * What it has seen of attackers. The same `fingerprint` within a while is one threat, and may be reported again when an answer
   * was lost.
   * @param {string} type @param {Severity} severity @param {{fingerprint?: string, details?: Record<string, unknown>}} [more]
   * @returns {Promise<any>}
   */
  reportThreat(type, severity, { fingerprint, details } = {}) {
    const body = { type, severity, ...(fingerprint === undefined ? {} : { fingerprint }), ...(details ? { details } : {}) };
    return this.session.call('threat', { body }, { repeat: fingerprint !== undefined });
  }

  /** Beats in the background from now on, and renews tokens and certificate in time. */
  start() {
    this.heart.start();
    return this;
  }

  /** Ends heartbeats, what is waited for, and connections. The next process may open the folder. */
  async close() {
    const stopped = this.heart.stop();
    await this.session.close();
    await stopped;
    this.session.folder.letGo();
  }
}
