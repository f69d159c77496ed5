// Says in words what was found. Confidence and quality are those of the weakest of what it rests upon.
//
//   node synthesize.mjs --folder state/synthesize --url https://localhost:8455 --ca ca.pem --token-file token

import fs from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { Agent } from '../../sdk/javascript/src/index.js';

const string = { type: 'string' };
const { values: given } = parseArgs({ options: { folder: string, url: string, ca: string, 'token-file': string } });

async function synthesize(step) {
  const [data, analysis] = await Promise.all(['query', 'analyze'].map((id) => step.resultOf(id)));
  const findings = Object.entries(analysis.metrics).map(([name, { mean, peak, limit, above, of }]) =>
    `${name}: ${above} of ${of} readings above ${limit}, mean ${mean}, peak ${peak}`);
  const worst = Object.entries(analysis.metrics).sort(([, a], [, b]) => b.above / b.of - a.above / a.of)[0][0];
  const weakest = (kind) => Math.min(...step.inputs.map((input) => input[kind]));
  return {
    result: { stations: data.stations.length, findings, conclusion: `Look at ${worst} first.` },
    confidence: weakest('confidence'),
    quality: weakest('quality'),
  };
}

const agent = await Agent.openOrEnrol(given.folder, {
  url: given.url, caFile: given.ca, token: fs.readFileSync(given['token-file'], 'utf8').trim(), log: console.error,
});
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => agent.close());
agent.start();
await agent.plans.run(synthesize, {
  waitMs: 5000,
  onReport: ({ stepId, outcome, durationMs }) => console.log(`${agent.name}: ${stepId} ${outcome} in ${durationMs} ms`),
});
