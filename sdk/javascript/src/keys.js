// A P-256 key and requests to be certified (PKCS #10, RFC 2986): the little DER (X.690) that node:crypto has no words for.

import crypto from 'node:crypto';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const ATTRIBUTES = 0xa0;
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';

/**
 * One value of DER: tag, length in its shortest form, content.
 * @param {number} tag @param {...Uint8Array} contents @returns {Buffer}
 */
export function der(tag, ...contents) {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  /** @type {number[]} */
  const length = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length, ...length]), content]);
}

/** @param {string} dotted @returns {Buffer} */
export function objectIdentifier(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    return digits;
  });
  return der(OBJECT_IDENTIFIER, Buffer.from(bytes));
}

/** @param {string} label @param {Buffer} bytes */
const pem = (label, bytes) =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;

/** A new key: PKCS #8, PEM, not encrypted. */
export function makeKey() {
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * PKCS #10, PEM. It names nobody: who it is for is the house's to say.
 * @param {string} keyPem
 */
export function makeRequest(keyPem) {
  const key = crypto.createPrivateKey(keyPem);
  const publicKey = crypto.createPublicKey(key).export({ type: 'spki', format: 'der' });
  const information = der(SEQUENCE, der(INTEGER, Buffer.from([0])), der(SEQUENCE), publicKey, der(ATTRIBUTES));
  const signature = crypto.sign('sha256', information, key);
  return pem('CERTIFICATE REQUEST', der(SEQUENCE, information, der(SEQUENCE, objectIdentifier(ECDSA_WITH_SHA256)),
    der(BIT_STRING, Buffer.from([0]), signature)));
}
