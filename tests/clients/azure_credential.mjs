// How Microsoft's clients sign in at what stands in for Microsoft Entra ID in the tests.

import assert from "node:assert/strict";

// given: {"url", "tenant", "client_id", "client_secret"}
export const credentialOf = (given) => ({
    async getToken(scopes) {
        assert.deepEqual([scopes].flat(), ["https://vault.azure.net/.default"]);
        const answer = await fetch(`${given.url}/${given.tenant}/oauth2/v2.0/token`, {
            method: "POST",
            body: new URLSearchParams({
                grant_type: "client_credentials", client_id: given.client_id, client_secret: given.client_secret,
                scope: "https://vault.azure.net/.default",
            }),
            headers: { "Content-Type": "application/x-www-form-urlencoded" },
        });
        assert.equal(answer.status, 200);
        const body = await answer.json();
        return { token: body.access_token, expiresOnTimestamp: Date.now() + body.expires_in * 1000 };
    },
});
