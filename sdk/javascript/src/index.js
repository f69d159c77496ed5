// Agents that work beside Gatehouse: enrolment, tokens, heartbeats, messages, steps of plans, threats, traces.

export { Agent } from './agent.js';
export { Activity } from './beat.js';
export * from './errors.js';
export { Batch, Messages, newMessage } from './inbox.js';
export { NotRetryable, Plans, Step } from './plans.js';
export { ROUTES } from './routes.js';
export { TraceContext, continueTrace, currentTrace } from './trace.js';
