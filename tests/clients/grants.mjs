// Each grant, by clients that others made and that check what they get. `node grants.mjs CASE JSON` ends with 0 when all was as
// it has to be, and says on standard output what the test wants to know.

import assert from "node:assert/strict";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { Browser } from "./browser.mjs";

const [, , name, json] = process.argv;
const given = JSON.parse(json);
const issuer = new URL(given.issuer);
const browser = new Browser(issuer.origin, given.user, given.password);

/** A client proves itself in the way it is registered with; this library's own choice would be another. */
const found = (client, authentication = openid.ClientSecretBasic(client.client_secret)) =>
    openid.discovery(issuer, client.client_id, client.client_secret, authentication);

/** Through the user's browser, and back with tokens. */
async function tokensByCode(config, redirectUri, scope, more = {}, options = undefined) {
    const verifier = openid.randomPKCECodeVerifier();
    const [state, nonce] = [openid.randomState(), openid.randomNonce()];
    const url = openid.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri, scope, state, nonce, code_challenge_method: "S256",
        code_challenge: await openid.calculatePKCECodeChallenge(verifier), ...more,
    });
    const back = await browser.through(url);
    assert.equal(back.status, 303, back.text);
    return openid.authorizationCodeGrant(config, new URL(back.location), {
        pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
    }, undefined, options);
}

/** What a resource server does. */
async function claimsOf(token, audience = given.issuer) {
    const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", issuer));
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: given.issuer, audience, typ: "at+jwt" });
    assert.equal(protectedHeader.alg, "ES256");
    return payload;
}

const cases = {
    async code() {
        const config = await found(given.web);
        const tokens = await tokensByCode(config, given.redirect_uri, "openid profile email users:read");
        assert.equal(tokens.claims().sub, given.user);
        const payload = await claimsOf(tokens.access_token);
        assert.equal(payload.client_id, given.web.client_id);
        const info = await openid.fetchUserInfo(config, tokens.access_token, given.user);
        assert.equal(info.preferred_username, given.user);
        const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token, { scope: "openid" });
        assert.equal(fresh.scope, "openid");
        assert.equal((await openid.tokenIntrospection(config, fresh.access_token)).active, true);
        await openid.tokenRevocation(config, fresh.refresh_token);
        for (const token of [tokens.access_token, fresh.access_token, fresh.refresh_token])
            assert.equal((await openid.tokenIntrospection(config, token)).active, false);
        return { token: tokens.access_token };
    },

    async native_dpop() {
        const config = await found(given.native, openid.None());
        const options = { DPoP: openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256")) };
        const tokens = await tokensByCode(config, "http://127.0.0.1:49152/back", "openid", {}, options);
        assert.equal(tokens.token_type, "dpop");
        assert.ok((await claimsOf(tokens.access_token)).cnf.jkt);
        await openid.fetchUserInfo(config, tokens.access_token, given.user, options);
        await assert.rejects(openid.fetchUserInfo(config, tokens.access_token, given.user));
        const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token, undefined, options);
        const thief = { DPoP: openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256")) };
        await assert.rejects(openid.refreshTokenGrant(config, fresh.refresh_token, undefined, thief), { error: "invalid_grant" });
        return {};
    },

    async credentials() {
        const basic = await openid.clientCredentialsGrant(await found(given.program), { scope: "users:read", resource: "https://api.example/" });
        assert.deepEqual((await claimsOf(basic.access_token, "https://api.example/")).aud, ["https://api.example/"]);
        const config = await found(given.poster, openid.ClientSecretPost(given.poster.client_secret));
        const post = await openid.clientCredentialsGrant(config, { scope: "users:read" });
        assert.equal((await claimsOf(post.access_token)).sub, given.poster.client_id);
        return { token: post.access_token };
    },

    async device() {
        const config = await found(given.box, openid.None());
        const begun = await openid.initiateDeviceAuthorization(config, { scope: "openid" });
        const page = await browser.through(begun.verification_uri_complete);
        assert.match(page.text, /connected/);
        const tokens = await openid.pollDeviceAuthorizationGrant(config, begun);
        assert.equal((await claimsOf(tokens.access_token)).sub, given.user);
        return {};
    },

    async exchange() {
        const web = await found(given.web);
        const tokens = await tokensByCode(web, given.redirect_uri, "openid users:read");
        const bot = await found(given.bot);
        const type = "urn:ietf:params:oauth:token-type:access_token";
        const delegated = await openid.genericGrantRequest(bot, "urn:ietf:params:oauth:grant-type:token-exchange",
                                                           { subject_token: tokens.access_token, subject_token_type: type });
        assert.equal(delegated.issued_token_type, type);
        const payload = await claimsOf(delegated.access_token);
        assert.equal(payload.sub, given.user);
        assert.deepEqual(payload.act, { sub: given.bot.client_id });
        assert.equal(payload.scope, "users:read");
        return { token: delegated.access_token };
    },

    async register() {
        const metadata = { client_name: "Registered", redirect_uris: [given.redirect_uri], scope: "openid",
                           grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "client_secret_post" };
        const config = await openid.dynamicClientRegistration(issuer, metadata, openid.ClientSecretPost(),
                                                              { initialAccessToken: given.invitation });
        const tokens = await tokensByCode(config, given.redirect_uri, "openid");
        assert.equal(tokens.claims().sub, given.user);
        await assert.rejects(openid.dynamicClientRegistration(issuer, metadata, undefined, { initialAccessToken: given.invitation }));
        return {};
    },

    /** The small library beneath, which also plays the resource server. */
    async low_level() {
        const discovered = await oauth.discoveryRequest(issuer, { algorithm: "oauth2" });
        const server = await oauth.processDiscoveryResponse(issuer, discovered);
        const client = { client_id: given.program.client_id };
        const key = await oauth.generateKeyPair("ES256");
        const DPoP = oauth.DPoP(client, key);
        const response = await oauth.clientCredentialsGrantRequest(
            server, client, oauth.ClientSecretBasic(given.program.client_secret), { scope: "users:read" }, { DPoP });
        const tokens = await oauth.processClientCredentialsResponse(server, client, response);
        const url = new URL("https://api.example/data");
        const sent = new Headers({ authorization: `DPoP ${tokens.access_token}` });
        await DPoP.addProof(url, sent, "GET", tokens.access_token);
        const claims = await oauth.validateJwtAccessToken(server, new Request(url, { headers: sent }), given.issuer);
        assert.equal(claims.client_id, given.program.client_id);
        const resource = await oauth.resourceDiscoveryRequest(issuer);
        const described = await oauth.processResourceDiscoveryResponse(issuer, resource);
        assert.deepEqual(described.authorization_servers, [given.issuer]);
        return {};
    },
};

process.stdout.write(JSON.stringify(await cases[name]()) + "\n");
