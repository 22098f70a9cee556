// A certified OpenID provider on loopback, for tests: node idp.mjs '{"gateway": "http://127.0.0.1:8080"}'
// Prints its issuer, and ends with its standard input. What a test changes:
//   POST /test/rotate         sign with a new key; the keys before it stay published
//   POST /test/rotate?drop    the same, but the keys before it are gone
//   POST /test/events         what happened to back-channel logouts since the last time this was asked
//   POST /test/issued         what was handed out since the last time this was asked: [kind, where, value]

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { configuration } from './configuration.mjs';
import { issued, noting } from './issued.mjs';
import { interaction } from './people.mjs';

const setting = JSON.parse(process.argv[2]);
let keys = [made()];
let events = [];
let current;

function made() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'RS256', use: 'sig' };
}

// Sessions, codes and grants lie beside the provider (`memory.mjs`), so that they outlive a change of keys.
function renew(issuer) {
  const provider = new Provider(issuer, configuration(setting, keys));
  provider.on('backchannel.success', (_ctx, client) => events.push(`told ${client.clientId}`));
  provider.on('backchannel.error', (_ctx, error, client) => events.push(`failed ${client.clientId}: ${error.message}`));
  provider.on('server_error', (_ctx, error) => console.error(error));
  current = { provider, callback: provider.callback() };
}

function control(url, issuer) {
  if (url.pathname === '/test/rotate') {
    keys = [made(), ...(url.searchParams.has('drop') ? [] : keys)];
    renew(issuer);
    return keys.map((key) => key.kid);
  }
  if (url.pathname === '/test/issued') return issued();
  const said = events;
  events = [];
  return said;
}

const server = createServer((request, response) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const url = new URL(request.url, issuer);
  if (url.pathname.startsWith('/test/')) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.method === 'POST' ? control(url, issuer) : null));
    return;
  }
  if (url.pathname.startsWith('/interaction/')) {
    interaction(current.provider, request, response).catch((error) => {
      response.statusCode = 400;
      response.end(String(error));
    });
    return;
  }
  noting(url.pathname, response);
  current.callback(request, response);
});

server.listen(setting.port ?? 0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  renew(issuer);
  console.log(issuer);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
