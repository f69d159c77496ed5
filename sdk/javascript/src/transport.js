// Requests on the wire, by node:http and node:https. Each has a deadline.

import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import { AnswerLost, ConfigurationError, NotSent } from './errors.js';

const CONNECT_MS = 5_000;
const BODY_MAX = 64 * 1024 * 1024;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** @typedef {{status: number, headers: http.IncomingHttpHeaders, body: string}} Answer */
/** @typedef {{headers: Record<string, string>, body?: string, timeoutMs: number, fresh?: boolean, signal?: AbortSignal}} Sending */

/**
 * Tokens in the clear stay on this machine, unless `insecure` says that the network in between is one's own.
 * @param {string} url @param {boolean} insecure
 */
export function checkUrl(url, insecure = false) {
  if (!/^https?:\/\/[^/]/.test(url)) throw new ConfigurationError(`${url} is no http or https URL`);
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !insecure && !LOOPBACK.has(hostname))
    throw new ConfigurationError(`${url} would send tokens in the clear: use https`);
}

/** One house. */
export class Transport {
  #url;
  #tls;
  #agent;

  /**
   * @param {string} url
   * @param {string | null} trust PEM; null: what the system trusts
   * @param {{certificateFile: string, keyFile: string}} [shown] the files of the chain and the key that it shows
   */
  constructor(url, trust, shown) {
    this.#url = url.replace(/\/+$/, '');
    const certificate = shown ? { cert: fs.readFileSync(shown.certificateFile), key: fs.readFileSync(shown.keyFile) } : {};
    this.#tls = { ...(trust ? { ca: trust } : {}), ...certificate, minVersion: /** @type {const} */ ('TLSv1.2') };
    const options = { keepAlive: true, maxFreeSockets: 8 };
    this.#agent = url.startsWith('https:') ? new https.Agent({ ...options, ...this.#tls }) : new http.Agent(options);
  }

  /**
   * Throws NotSent or AnswerLost, or the reason of the signal.
   * @param {string} method @param {string} target @param {Sending} sending `fresh` wants a connection nobody has used
   * @returns {Promise<Answer>}
   */
  async request(method, target, sending) {
    const life = lifeOf(sending.timeoutMs, sending.signal);
    /** @type {http.IncomingMessage | undefined} */
    let response;
    try {
      response = await this.#open(method, target, { ...sending, signal: life.signal });
      return { status: response.statusCode ?? 0, headers: response.headers, body: await textOf(response) };
    } catch (problem) {
      sending.signal?.throwIfAborted();
      if (problem instanceof NotSent || problem instanceof AnswerLost) throw problem;
      throw new AnswerLost(`${method} ${target}: ${messageOf(problem)}`, { cause: problem });
    } finally {
      life.end();
      if (!response?.complete) response?.destroy();
    }
  }

  /**
   * An answer that is told as it comes; `timeoutMs` is the longest silence.
   * @param {string} target @param {Sending} sending
   */
  async stream(target, sending) {
    const response = await this.#open('GET', target, { ...sending, fresh: true });
    response.setTimeout(sending.timeoutMs, () => response.destroy(new Error('it is silent')));
    return response;
  }

  /**
   * @param {string} method @param {string} target @param {Sending} sending
   * @returns {Promise<http.IncomingMessage>}
   */
  #open(method, target, { headers, body, fresh, signal, timeoutMs }) {
    const secure = this.#url.startsWith('https:');
    return new Promise((resolve, reject) => {
      let sent = false;
      const request = (secure ? https : http).request(this.#url + target, {
        method, signal, agent: fresh ? false : this.#agent, ...(secure ? this.#tls : {}),
        headers: { ...headers, ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }) },
      });
      const connecting = setTimeout(() => request.destroy(new Error('no connection in time')), Math.min(CONNECT_MS, timeoutMs));
      const connected = () => {
        sent = true;
        clearTimeout(connecting);
      };
      request.on('socket', (socket) => {
        if (!socket.connecting) connected();
        else socket.once(secure ? 'secureConnect' : 'connect', connected);
      });
      request.on('response', resolve);
      request.on('error', (problem) => {
        clearTimeout(connecting);
        reject(sent ? new AnswerLost(`${method} ${target}: ${messageOf(problem)}`, { cause: problem })
          : new NotSent(`${method} ${target}: ${messageOf(problem)}`, { cause: problem }));
      });
      request.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}

/** @param {http.IncomingMessage} response */
async function textOf(response) {
  let length = 0;
  /** @type {Buffer[]} */
  const parts = [];
  for await (const part of response) {
    length += part.length;
    if (length > BODY_MAX) throw new Error(`the answer is longer than ${BODY_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** Until the time is over, or the signal says so. @param {number} timeoutMs @param {AbortSignal} [signal] */
function lifeOf(timeoutMs, signal) {
  const life = new AbortController();
  const follow = () => life.abort(signal?.reason);
  const timer = setTimeout(() => life.abort(new Error('no answer in time')), timeoutMs);
  if (signal?.aborted) follow();
  signal?.addEventListener('abort', follow, { once: true });
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', follow);
  };
  return { signal: life.signal, end };
}

/** @param {unknown} problem */
function messageOf(problem) {
  if (!(problem instanceof Error)) return String(problem);
  return problem.cause instanceof Error ? problem.cause.message : problem.message || problem.name;
}
