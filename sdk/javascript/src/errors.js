// What may go wrong. `code` is that of the problem document (RFC 9457): what programs look at.

/** The root of all. */
export class GatehouseError extends Error {
  /** @param {string} message @param {{cause?: unknown}} [options] */
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** What was asked for cannot be: a folder in use, a URL that would send tokens in the clear. */
export class ConfigurationError extends GatehouseError {}

/** No connection: the house has not heard of it. */
export class NotSent extends GatehouseError {}

/** It was sent, and nobody knows what became of it. */
export class AnswerLost extends GatehouseError {}

/** The tokens have ended or are of no use: an operator makes another one-time token (`gatehouse agents enrol-token`). */
export class EnrolmentNeeded extends GatehouseError {}

/** @typedef {{code?: string, detail?: string, request_id?: string, errors?: {pointer?: string, parameter?: string, code: string, detail: string}[]}} Problem */

/** An answer that says no. */
export class Refused extends GatehouseError {
  /** @param {number} status @param {Problem} problem @param {number} [retryAfter] seconds */
  constructor(status, problem, retryAfter) {
    const wrong = (problem.errors ?? []).map((each) => `${each.pointer ?? each.parameter ?? ''}: ${each.detail}`).join('; ');
    super([`${status} ${problem.code ?? ''}`.trim(), problem.detail, wrong].filter(Boolean).join(' '));
    this.status = status;
    this.code = problem.code ?? `http.${status}`;
    this.detail = problem.detail ?? '';
    this.requestId = problem.request_id ?? '';
    this.errors = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** 401: the house does not believe the credential. */
export class Unauthenticated extends Refused {}
/** 403. */
export class PermissionDenied extends Refused {}
/** 404. */
export class NotFound extends Refused {}
/** 409: something else came first. */
export class Conflict extends Refused {}
/** 409 `bus.lease_over`, `plan.lease_lost`: somebody else has it, or may have. */
export class LeaseLost extends Conflict {}
/** 413 or 422: `errors` says which fields. */
export class Invalid extends Refused {}
/** 429, 502, 503, 504 or 507 even after all attempts; `retryAfter` in seconds where the house said so. */
export class Unavailable extends Refused {}

const retried = new Set([429, 502, 503, 504, 507]);
/** @type {Record<number, typeof Refused>} */
const classes = { 401: Unauthenticated, 403: PermissionDenied, 404: NotFound, 409: Conflict, 413: Invalid, 422: Invalid };

/**
 * The error of an answer.
 * @param {number} status @param {Problem} problem @param {number} [retryAfter]
 */
export function refusal(status, problem, retryAfter) {
  if (status === 409 && (problem.code === 'bus.lease_over' || problem.code === 'plan.lease_lost'))
    return new LeaseLost(status, problem, retryAfter);
  const Kind = retried.has(status) ? Unavailable : classes[status] ?? Refused;
  return new Kind(status, problem, retryAfter);
}

/** What a loop outlives. @param {unknown} problem @returns {problem is NotSent | AnswerLost | Unavailable} */
export const isPassing = (problem) =>
  problem instanceof NotSent || problem instanceof AnswerLost || problem instanceof Unavailable;
