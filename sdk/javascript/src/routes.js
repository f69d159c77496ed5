// What is asked of a house: one row a route. The client sends nothing that is not in this table.

/**
 * `body` and `query` are the fields that may be sent. `repeat`: it may be sent again when its answer was lost.
 * @typedef {{method: 'GET' | 'POST', path: string, body: readonly string[], query: readonly string[], repeat: boolean}} Route
 */

const message = ['recipient', 'body', 'deliver_at', 'expires_at', '_trace_context'];

/**
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {string[]} fields of the body, or of the query with GET
 * @param {boolean} repeat
 * @returns {Route}
 */
const route = (method, path, fields = [], repeat = true) =>
  ({ method, path, body: method === 'POST' ? fields : [], query: method === 'GET' ? fields : [], repeat });

export const ROUTES = Object.freeze({
  enrol: route('POST', '/api/v1/agents/enrol', ['token', 'csr', 'agent_version', 'capabilities'], false),
  refresh: route('POST', '/api/v1/agents/refresh', ['refresh_token'], false),
  certificate: route('POST', '/pki/renew', ['csr']),
  self: route('GET', '/api/v1/agents/self'),
  heartbeat: route('POST', '/api/v1/agents/{agent}/heartbeat', ['status', 'state', 'invocations', 'llm_calls'], false),
  threat: route('POST', '/api/v1/threats', ['type', 'severity', 'fingerprint', 'details'], false),
  send: route('POST', '/api/v1/messages', ['id', 'conversation_id', 'type', ...message]),
  sendBatch: route('POST', '/api/v1/messages/batch', ['messages']),
  notify: route('POST', '/api/v1/notifications', ['notification_id', 'notification_type', ...message]),
  receive: route('GET', '/api/v1/messages/receive', ['max', 'wait', 'lease']),
  stream: route('GET', '/api/v1/messages/stream', ['max', 'lease']),
  ack: route('POST', '/api/v1/messages/ack', ['ids']),
  nack: route('POST', '/api/v1/messages/nack', ['receipt', 'ids', 'delay_seconds'], false),
  renewLease: route('POST', '/api/v1/messages/renew', ['receipt', 'lease_seconds']),
  claim: route('POST', '/api/v1/plans/claim', ['max', 'wait_ms']),
  stepHeartbeat: route('POST', '/api/v1/plans/{plan}/steps/{step}/heartbeat', ['lease']),
  stepComplete: route('POST', '/api/v1/plans/{plan}/steps/{step}/complete',
    ['lease', 'result', 'reference', 'confidence', 'quality', 'expand']),
  stepFail: route('POST', '/api/v1/plans/{plan}/steps/{step}/fail', ['lease', 'error', 'retryable']),
  stepResult: route('GET', '/api/v1/plans/{plan}/steps/{step}/result'),
});
