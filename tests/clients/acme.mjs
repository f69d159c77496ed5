// The life of an account and its certificates, by the acme-client of npm. `node acme.mjs JSON` ends with 0 when all was as it has
// to be, and says on standard output what the test wants to know.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import acme from "acme-client";

const given = JSON.parse(process.argv[2]);

const options = { directoryUrl: given.directory, backoffMin: 200, backoffMax: 1000 };
const accountKey = await acme.crypto.createPrivateEcdsaKey();
const client = new acme.Client({ ...options, accountKey });

const authority = {
    email: "ops@example.com",
    termsOfServiceAgreed: true,
    skipChallengeVerification: true,  // it would ask the DNS of this machine
    challengePriority: ["http-01"],
    challengeCreateFn: (_, challenge, keyAuthorization) =>
        writeFile(`${given.challenges}/${challenge.token}`, keyAuthorization),
    challengeRemoveFn: async () => {},
};

async function get() {
    const [, csr] = await acme.crypto.createCsr({ commonName: given.names[0], altNames: given.names });
    return client.auto({ ...authority, csr });
}

const first = await get();
const renewed = await get();
assert.notEqual(first, renewed);

// Another key for the account; the one before is nobody's from then on.
const nextKey = await acme.crypto.createPrivateRsaKey(2048);
await client.updateAccountKey(nextKey);
const asBefore = new acme.Client({ ...options, accountKey, accountUrl: client.getAccountUrl() });
await assert.rejects(asBefore.updateAccount({ contact: [] }), /signature does not verify/i);

const [leaf] = acme.crypto.splitPemChain(renewed);
await client.revokeCertificate(leaf, { reason: 4 });
await assert.rejects(client.revokeCertificate(leaf), /revoked/i);

// What is not ours to have.
await assert.rejects(client.createOrder({ identifiers: [{ type: "dns", value: "a.example.org" }] }), /example\.org/);

await client.updateAccount({ status: "deactivated" });
await assert.rejects(client.updateAccount({ contact: [] }), /deactivated/i);

console.log(JSON.stringify({ first, renewed }));
