// Microsoft's client against what stands in for the keys of a Key Vault in the tests: `node azure_keys.mjs JSON` ends with 0 when it
// takes the one for the other. JSON: {"url", "tenant", "client_id", "client_secret", "key", "kid", "wrapped", "former"}: a key by its
// name, a version of it, what that version has wrapped for others (base64url), and the id of a version before.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { credentialOf } from "./azure_credential.mjs";

const given = JSON.parse(process.argv[2]);

const credential = credentialOf(given);
const options = { disableChallengeResourceVerification: true };
const keys = new KeyClient(given.url, credential, options);
const refused = (promise, status) => promise.then(() => assert.fail(`answered, and not ${status}`),
    (error) => assert.equal(error.statusCode, status, error.message));

const newest = await keys.getKey(given.key);
assert.equal(newest.id, given.kid);
assert.equal(newest.keyType, "RSA");
assert.equal(newest.properties.enabled, true);
const former = await keys.getKey(given.key, { version: given.former.split("/").at(-1) });
assert.equal(former.id, given.former);
await refused(keys.getKey("none"), 404);

// By id, so that it asks the server for everything.
const cryptography = (id) => new CryptographyClient(id, credential, options);
const value = randomBytes(32);
for (const id of [given.kid, given.former]) {
    const wrapped = await cryptography(id).wrapKey("RSA-OAEP-256", value);
    assert.equal(wrapped.keyID, id);
    assert.equal(wrapped.result.length, 256);
    const back = await cryptography(id).unwrapKey("RSA-OAEP-256", wrapped.result);
    assert.deepEqual(Buffer.from(back.result), value);
    const flipped = Uint8Array.from(wrapped.result);
    flipped[0] ^= 1;
    await refused(cryptography(id).unwrapKey("RSA-OAEP-256", flipped), 400);
    await refused(cryptography(id === given.kid ? given.former : given.kid).unwrapKey("RSA-OAEP-256", wrapped.result), 400);
}
// What the house has wrapped there is what the client takes for wrapped.
const theirs = await cryptography(given.kid).unwrapKey("RSA-OAEP-256", Buffer.from(given.wrapped, "base64url"));
assert.equal(theirs.result.length, 32);
