// Microsoft's client against what stands in for a Key Vault in the tests: `node azure.mjs JSON` ends with 0 when it takes the one for
// the other. JSON: {"url", "tenant", "client_id", "client_secret", "ours"}; `ours`: secrets that others have set, by name.

import assert from "node:assert/strict";
import { SecretClient } from "@azure/keyvault-secrets";
import { credentialOf } from "./azure_credential.mjs";

const given = JSON.parse(process.argv[2]);

const credential = credentialOf(given);
const client = new SecretClient(given.url, credential, { disableChallengeResourceVerification: true });
const refused = (promise, status) => promise.then(() => assert.fail(`answered, and not ${status}`),
    (error) => assert.equal(error.statusCode, status, error.message));

for (const [name, value] of Object.entries(given.ours)) assert.equal((await client.getSecret(name)).value, value);
const first = await client.setSecret("db-password", "hunter2", { contentType: "text/plain", tags: { path: "db/password" } });
assert.equal(first.name, "db-password");
await client.setSecret("db-password", "hunter3");
assert.equal((await client.getSecret("db-password")).value, "hunter3");
assert.equal((await client.getSecret("db-password", { version: first.properties.version })).value, "hunter2");
for (const name of ["a", "b", "c", "d"]) await client.setSecret(name, name);
const names = [];
for await (const page of client.listPropertiesOfSecrets().byPage()) names.push(...page.map((each) => each.name));
for (const name of ["a", "b", "c", "d", "db-password", ...Object.keys(given.ours)]) assert.ok(names.includes(name), name);
let versions = 0;
for await (const each of client.listPropertiesOfSecretVersions("db-password")) versions += each.version ? 1 : 0;
assert.equal(versions, 2);
const updated = await client.updateSecretProperties("a", (await client.getSecret("a")).properties.version, { tags: { team: "x" } });
assert.deepEqual(updated.tags, { team: "x" });
const poller = await client.beginDeleteSecret("db-password", { intervalInMs: 20 });
assert.equal((await poller.pollUntilDone()).name, "db-password");
await refused(client.getSecret("db-password"), 404);
await refused(client.setSecret("db-password", "x"), 409);
const recovering = await client.beginRecoverDeletedSecret("db-password", { intervalInMs: 20 });
await recovering.pollUntilDone();
assert.equal((await client.getSecret("db-password")).value, "hunter3");
await (await client.beginDeleteSecret("db-password", { intervalInMs: 20 })).pollUntilDone();
await client.purgeDeletedSecret("db-password");
await client.setSecret("db-password", "hunter4");
await refused(client.getSecret("none"), 404);
await refused(client.setSecret("no_such.name", "x"), 400);
