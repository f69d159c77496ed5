// What an agent keeps in its folder: the key, and one file for all else, replaced whole before what is in it is used.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';

import { ConfigurationError, EnrolmentNeeded } from './errors.js';

/**
 * Times are seconds since 1970. `key_sha256` is of the key's file, to know it by. `refreshing`: the refresh token was sent, and no
 * answer is written down yet.
 * @typedef {object} State
 * @property {string} url
 * @property {string} pki_url
 * @property {string} key_sha256
 * @property {string | null} trust
 * @property {string} agent_id
 * @property {string} hostname
 * @property {string} certificate
 * @property {string} ca
 * @property {number} certificate_begun
 * @property {number} certificate_ends
 * @property {string} access_token
 * @property {number} access_begun
 * @property {number} access_ends
 * @property {string} refresh_token
 * @property {number} refresh_ends
 * @property {number} interval_ms
 * @property {boolean} refreshing
 */

/** When a process began, as Linux tells; empty elsewhere. @param {number} pid */
function beginningOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '';
  }
}

/** @param {string} text of a lock */
function isAlive(text) {
  const [pid, beginning = ''] = text.split(' ');
  if (!/^[1-9][0-9]*$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (problem) {
    if (/** @type {NodeJS.ErrnoException} */ (problem).code !== 'EPERM') return false;
  }
  return beginningOf(Number(pid)) === beginning;
}

/** The folder of one agent, held by one process at a time. */
export class Folder {
  /** @param {string} folder */
  constructor(folder) {
    this.path = path.resolve(folder);
    fs.mkdirSync(this.path, { mode: 0o700, recursive: true });
    this.keyFile = path.join(this.path, 'agent.key');
    this.nextKeyFile = path.join(this.path, 'agent.key.next');
    this.certificateFile = path.join(this.path, 'agent.pem');
    /** The root of the house. */
    this.caFile = path.join(this.path, 'ca.pem');
    this.stateFile = path.join(this.path, 'state.json');
    this.lockFile = path.join(this.path, 'lock.pid');
    this.held = false;
  }

  /** Two that refresh would end each other's tokens, so the second one is refused. */
  hold() {
    const mine = `${process.pid} ${beginningOf(process.pid)}`;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        fs.writeFileSync(this.lockFile, mine, { flag: 'wx', mode: 0o600 });
        this.held = true;
        return;
      } catch (problem) {
        if (/** @type {NodeJS.ErrnoException} */ (problem).code !== 'EEXIST') throw problem;
      }
      this.#breakStaleLock();
    }
    throw this.#inUse();
  }

  #inUse() {
    return new ConfigurationError(`another agent works with ${this.path}`);
  }

  /** Of a process that is no more. Two that break it at once see by what they moved away who was first. */
  #breakStaleLock() {
    const away = `${this.lockFile}.${process.pid}`;
    try {
      const text = fs.readFileSync(this.lockFile, 'utf8');
      if (isAlive(text)) throw this.#inUse();
      fs.renameSync(this.lockFile, away);
      const moved = fs.readFileSync(away, 'utf8');
      if (moved !== text) fs.linkSync(away, this.lockFile);
      fs.unlinkSync(away);
    } catch (problem) {
      if (/** @type {NodeJS.ErrnoException} */ (problem).code !== 'ENOENT') throw problem;
    }
  }

  letGo() {
    if (this.held) fs.rmSync(this.lockFile, { force: true });
    this.held = false;
  }

  /**
   * Whole or not at all, on the disk before this returns, readable by its owner alone.
   * @param {string} file @param {string} text
   */
  write(file, text) {
    const next = `${file}.new`;
    const handle = fs.openSync(next, 'w', 0o600);
    try {
      fs.fchmodSync(handle, 0o600);
      fs.writeSync(handle, text);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(next, file);
    if (process.platform === 'win32') return;
    const folder = fs.openSync(this.path, 'r');
    try {
      fs.fsyncSync(folder);
    } finally {
      fs.closeSync(folder);
    }
  }

  /** @param {State} state */
  save(state) {
    this.write(this.stateFile, `${JSON.stringify({ version: 1, ...state }, null, 1)}\n`);
  }

  /** For other programs, which want files. What counts is in the state. @param {State} state */
  saveCertificate(state) {
    this.write(this.certificateFile, state.certificate);
    this.write(this.caFile, state.ca);
  }

  /** @returns {State} */
  load() {
    let text;
    try {
      text = fs.readFileSync(this.stateFile, 'utf8');
    } catch (problem) {
      if (/** @type {NodeJS.ErrnoException} */ (problem).code !== 'ENOENT') throw problem;
      throw new EnrolmentNeeded(`no agent lives in ${this.path}`);
    }
    try {
      const { version, ...state } = JSON.parse(text);
      if (version === 1) return state;
    } catch (problem) {
      throw new ConfigurationError(`${this.stateFile} cannot be read`, { cause: problem });
    }
    throw new ConfigurationError(`${this.stateFile} was written by another version`);
  }

  /** @returns {string} */
  key() {
    return fs.readFileSync(this.keyFile, 'utf8');
  }

  isInhabited() {
    return fs.existsSync(this.stateFile);
  }

  /** The key of this state is in its place from now on, also where an enrolment was killed before its last step. @param {State} state */
  takeKey(state) {
    if (fs.existsSync(this.nextKeyFile) && digestOf(fs.readFileSync(this.nextKeyFile, 'utf8')) === state.key_sha256)
      fs.renameSync(this.nextKeyFile, this.keyFile);
  }
}

/** @param {string} keyPem */
export const digestOf = (keyPem) => crypto.createHash('sha256').update(keyPem).digest('hex');
