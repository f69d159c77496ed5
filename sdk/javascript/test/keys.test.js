// DER and requests to be certified, judged by openssl.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { der, makeKey, makeRequest, objectIdentifier } from '../src/keys.js';

/** @param {string[]} args @param {string | Buffer} input */
function openssl(args, input) {
  const done = spawnSync('openssl', args, { input });
  assert.equal(done.status, 0, done.stderr.toString());
  return done.stdout.toString() + done.stderr.toString();
}

test('lengths are in their shortest form', () => {
  for (const [length, head] of /** @type {[number, string][]} */ ([[0, '0400'], [127, '047f'], [128, '048180'], [255, '0481ff'],
    [256, '04820100'], [65535, '0482ffff'], [65536, '0483010000']])) {
    const value = der(0x04, Buffer.alloc(length));
    assert.equal(value.subarray(0, value.length - length).toString('hex'), head);
    assert.match(openssl(['asn1parse', '-inform', 'DER'], value), new RegExp(`l= *${length} prim: OCTET STRING`));
  }
});

test('object identifiers have digits of seven bits', () => {
  for (const [dotted, name] of [['1.2.840.10045.4.3.2', 'ecdsa-with-SHA256'], ['2.5.29.17', 'X509v3 Subject Alternative Name'],
    ['1.3.6.1.4.1.11129.2.4.2', 'CT Precertificate SCTs']])
    assert.match(openssl(['asn1parse', '-inform', 'DER'], objectIdentifier(dotted)), new RegExp(`OBJECT *:${name}`));
});

test('a request is signed with its key, and names nobody', () => {
  for (let round = 0; round < 50; round += 1) { // signatures differ in length
    const text = openssl(['req', '-noout', '-verify', '-text'], makeRequest(makeKey()));
    assert.match(text, /verify OK/);
    assert.match(text, /Subject: *\n/);
    assert.match(text, /NIST CURVE: P-256/);
  }
});

test('keys are what openssl reads, and each is another', () => {
  const key = makeKey();
  assert.match(openssl(['pkey', '-noout', '-text'], key), /prime256v1/);
  assert.notEqual(key, makeKey());
  assert.throws(() => makeRequest('none'));
});
