// The life of a token, by clients of KV stores that others made. `node tokens.mjs CLIENT JSON` ends with 0 when all was as it
// has to be. JSON: {"url": the gateway's, "token": one that may everything}.

import assert from "node:assert/strict";
import nodeVault from "node-vault";
import Vault from "hashi-vault-js";

const [, , name, json] = process.argv;
const given = JSON.parse(json);

async function byNodeVault() {
    // Where a call names a token, this client takes it for its own from then on.
    const as = (token) => nodeVault({ apiVersion: "v1", endpoint: given.url, token });
    const admin = () => as(given.token);
    const made = (await admin().tokenCreate({ ttl: "1h", display_name: "node", renewable: true })).auth;
    const own = as(made.client_token);
    assert.equal((await own.tokenLookupSelf()).data.display_name, "token-node");
    assert.equal((await own.tokenRenewSelf({ increment: 7200 })).auth.lease_duration > 7190, true);
    assert.equal((await admin().tokenLookup({ token: made.client_token })).data.accessor, made.accessor);
    assert.equal((await admin().tokenLookupAccessor({ accessor: made.accessor })).data.creation_ttl, 3600);
    assert.equal((await admin().tokenAccessors()).data.keys.includes(made.accessor), true);
    await admin().tokenRenew({ token: made.client_token, increment: 60 });
    const orphan = (await admin().tokenCreateOrphan({ ttl: "1h" })).auth;
    assert.equal(orphan.orphan, true);
    await admin().tokenRevokeAccessor({ accessor: orphan.accessor });
    await own.tokenRevokeSelf();
    await assert.rejects(admin().tokenLookup({ token: made.client_token }), /bad token|permission denied/);
    const other = (await admin().tokenCreate({ ttl: "1h" })).auth.client_token;
    await admin().tokenRevoke({ token: other });
    await assert.rejects(admin().tokenLookup({ token: other }), /bad token|permission denied/);
    const kept = await admin().request({
        path: "/sys/wrapping/wrap", method: "POST", json: { note: "for you alone" },
        headers: { "X-Vault-Token": given.token, "X-Vault-Wrap-TTL": "1m" },
    });
    assert.deepEqual((await admin().unwrap({ token: kept.wrap_info.token })).data, { note: "for you alone" });
    await assert.rejects(admin().unwrap({ token: kept.wrap_info.token }), /not valid or does not exist/);
}

async function byHashiVaultJs() {
    const vault = new Vault({ baseUrl: `${given.url}/v1`, rootPath: "secret", timeout: 10_000, proxy: false });
    const made = await vault.createToken(given.token, { ttl: "1h", display_name: "js" });
    assert.equal((await vault.lookupSelfToken(made.client_token)).display_name, "token-js");
    assert.equal((await vault.renewSelfToken(made.client_token, "2h")).lease_duration > 7190, true);
    assert.equal((await vault.lookupToken(given.token, made.client_token)).accessor, made.accessor);
    await vault.renewToken(given.token, made.client_token, "1h");
    await vault.revokeToken(given.token, made.client_token);
    await assert.rejects(vault.lookupToken(given.token, made.client_token));
    const other = await vault.createToken(given.token, { ttl: "1h" });
    await vault.revokeSelfToken(other.client_token);
    await assert.rejects(vault.lookupToken(given.token, other.client_token));
}

await { "node-vault": byNodeVault, "hashi-vault-js": byHashiVaultJs }[name]();
