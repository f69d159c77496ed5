// Reads envelopes with Sentry's own JavaScript. Standard input: {"dsn": ..., "bodies": [base64, ...]}; prints where that DSN leads
// and [headers, items] of each body. Ends with an error where what is written anew is not what came.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dsnFromString, getEnvelopeEndpointWithUrlEncodedAuth, parseEnvelope, serializeEnvelope } from "@sentry/core";

const given = JSON.parse(readFileSync(0, "utf8"));
const dsn = dsnFromString(given.dsn);
assert.ok(dsn, "no DSN");
const endpoint = getEnvelopeEndpointWithUrlEncodedAuth(dsn).split("?")[0];
const envelopes = given.bodies.map((text) => {
    const body = Buffer.from(text, "base64");
    const [headers, items] = parseEnvelope(new Uint8Array(body));
    // A payload whose length is told stays bytes. One that has read all of it writes the same.
    const payloads = items.map(([header, payload]) => {
        assert.equal(header.type, "event");
        assert.equal(payload.length, header.length);
        return JSON.parse(Buffer.from(payload).toString("utf8"));
    });
    assert.deepEqual(parseEnvelope(serializeEnvelope([headers, items])), [headers, items]);
    return [headers, payloads];
});
process.stdout.write(JSON.stringify({ endpoint, envelopes }));
