// The life of a secret, by clients of KV stores that others made. `node kv.mjs CLIENT JSON` ends with 0 when all was as it has
// to be. JSON: {"url": the gateway's, "token": one that may everything, "weak": one that may nothing}.

import assert from "node:assert/strict";
import nodeVault from "node-vault";
import Vault from "hashi-vault-js";

const [, , name, json] = process.argv;
const given = JSON.parse(json);

const refused = (promise, status) => promise.then(
    () => assert.fail(`answered, and not ${status}`),
    (error) => {
        assert.equal(error.response?.statusCode ?? error.response?.status, status, error.message);
        return error;
    });

async function byNodeVault() {
    const vault = nodeVault({ apiVersion: "v1", endpoint: given.url, token: given.token });
    assert.equal((await vault.health()).sealed, false);
    assert.equal((await vault.tokenLookupSelf()).data.policies.includes("admin"), true);
    const written = await vault.write("secret/data/node/db", { data: { user: "ada", port: 1 }, options: { cas: 0 } });
    assert.equal(written.data.version, 1);
    const again = await refused(vault.write("secret/data/node/db", { data: {}, options: { cas: 0 } }), 400);
    assert.match(again.message, /check-and-set/);
    assert.equal((await vault.update("secret/data/node/db", { data: { port: 2 } })).data.version, 2);
    assert.deepEqual((await vault.read("secret/data/node/db")).data.data, { user: "ada", port: 2 });
    assert.deepEqual((await vault.read("secret/data/node/db?version=1")).data.data, { user: "ada", port: 1 });
    assert.deepEqual((await vault.list("secret/metadata/node")).data.keys, ["db"]);
    const shy = nodeVault({ endpoint: given.url, token: given.token, noCustomHTTPVerbs: true });
    assert.deepEqual((await shy.list("secret/metadata/")).data.keys, ["node/"]);
    await vault.write("secret/metadata/node/db", { max_versions: 3, custom_metadata: { owner: "ada" } });
    const facts = (await vault.read("secret/metadata/node/db")).data;
    assert.deepEqual([facts.current_version, facts.max_versions, facts.custom_metadata], [2, 3, { owner: "ada" }]);
    await vault.delete("secret/data/node/db");
    const gone = await refused(vault.read("secret/data/node/db"), 404);
    assert.notEqual(gone.response.body.data.metadata.deletion_time, "");
    await vault.write("secret/undelete/node/db", { versions: [2] });
    assert.equal((await vault.read("secret/data/node/db")).data.data.port, 2);
    await vault.write("secret/delete/node/db", { versions: [1] });
    await refused(vault.read("secret/data/node/db?version=1"), 404);
    await vault.write("secret/destroy/node/db", { versions: [1] });
    assert.equal((await vault.read("secret/metadata/node/db")).data.versions["1"].destroyed, true);
    await vault.delete("secret/metadata/node/db");
    await refused(vault.read("secret/metadata/node/db"), 404);
    const stranger = nodeVault({ endpoint: given.url, token: given.weak });
    assert.equal((await refused(stranger.read("secret/data/node/db"), 403)).message, "permission denied");
}

async function byHashiVaultJs() {
    const vault = new Vault({ baseUrl: `${given.url}/v1`, rootPath: "secret", timeout: 10_000, proxy: false });
    const { token } = given;
    assert.equal((await vault.healthCheck()).sealed, false);
    assert.equal((await vault.createKVSecret(token, "js/db", { user: "ada" })).version, 1);
    await refused(vault.createKVSecret(token, "js/db", { user: "bob" }), 400);
    assert.equal((await vault.updateKVSecret(token, "js/db", { user: "bob" }, 1)).version, 2);
    assert.deepEqual((await vault.readKVSecret(token, "js/db")).data, { user: "bob" });
    assert.deepEqual((await vault.readKVSecret(token, "js/db", 1)).data, { user: "ada" });
    assert.deepEqual((await vault.listKVSecrets(token, "js")).keys, ["db"]);
    assert.deepEqual((await vault.listKVSecrets(token)).keys, ["js/"]);
    const said = { max_versions: 3, cas_required: false, delete_version_after: "3h25m19s", custom_metadata: { tag: "x" } };
    await vault.createKVSecretMeta(token, "js/db", said);
    await vault.updateKVSecretMeta(token, "js/db", { ...said, max_versions: 5, delete_version_after: "200h20m20s" });
    const facts = await vault.readKVSecretMeta(token, "js/db");
    assert.deepEqual([facts.max_versions, facts.delete_version_after, facts.custom_metadata],
        [5, "200h20m20s", { tag: "x" }]);
    await vault.deleteLatestVerKVSecret(token, "js/db");
    await refused(vault.readKVSecret(token, "js/db"), 404);
    await vault.deleteVersionsKVSecret(token, "js/db", [1]);
    await vault.undeleteVersionsKVSecret(token, "js/db", [1, 2]);
    assert.deepEqual((await vault.readKVSecret(token, "js/db")).data, { user: "bob" });
    await vault.destroyVersionsKVSecret(token, "js/db", [1]);
    await refused(vault.readKVSecret(token, "js/db", 1), 404);
    await vault.eliminateKVSecret(token, "js/db");
    await refused(vault.readKVSecretMeta(token, "js/db"), 404);
    assert.equal((await refused(vault.readKVSecret(given.weak, "js/db"), 403)).isVaultError, true);
}

await { "node-vault": byNodeVault, "hashi-vault-js": byHashiVaultJs }[name]();
