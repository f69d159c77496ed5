// The life of a key that encrypts for others, by node-vault. `node transit.mjs JSON` ends with 0 when all was as it has to be.
// JSON: {"url": the gateway's, "token": one that may everything, "weak": one that may nothing}.

import assert from "node:assert/strict";
import nodeVault from "node-vault";

const given = JSON.parse(process.argv[2]);
const vault = nodeVault({ apiVersion: "v1", endpoint: given.url, token: given.token });
const plaintext = Buffer.from("hello").toString("base64");

await vault.transitCreateKey({ name: "node" });
assert.equal((await vault.transitReadKey({ name: "node" })).data.latest_version, 1);
assert.deepEqual((await vault.transitListKeys()).data.keys, ["node"]);
const sealed = (await vault.encryptData({ name: "node", plaintext })).data.ciphertext;
assert.match(sealed, /^vault:v1:/);
assert.equal((await vault.decryptData({ name: "node", ciphertext: sealed })).data.plaintext, plaintext);
await vault.write("transit/keys/node/rotate", {});
const again = (await vault.rewrapData({ name: "node", ciphertext: sealed })).data.ciphertext;
assert.match(again, /^vault:v2:/);
assert.equal((await vault.decryptData({ name: "node", ciphertext: again })).data.plaintext, plaintext);
const many = await vault.encryptData({ name: "node", batch_input: [{ plaintext }, { plaintext }] });
assert.equal(many.data.batch_results.length, 2);
await assert.rejects(vault.transitDeleteKey({ name: "node" }), /deletion is not allowed/);
await vault.write("transit/keys/node/config", { deletion_allowed: true });
await vault.transitDeleteKey({ name: "node" });
await assert.rejects(vault.transitReadKey({ name: "node" }), (error) => error.response.statusCode === 404);
const stranger = nodeVault({ apiVersion: "v1", endpoint: given.url, token: given.weak });
await assert.rejects(stranger.encryptData({ name: "node", plaintext }), /permission denied/);
