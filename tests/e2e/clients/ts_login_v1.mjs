// Log in with the TypeScript SDK v1 (handshake era only), with nothing but the URL, and print what it then saw.
//
//   node ts_login_v1.mjs URL [DOCUMENT]   DOCUMENT: the address of its client ID metadata document; else it registers
//
// Says `open: ADDRESS` when a person is needed, and hears of the answer on a loopback port.
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { collect } from './document.mjs';
import { listening, loggedIn, provider } from './login.mjs';

const [url, where] = process.argv.slice(2);
const heard = await listening();
const auth = provider('TypeScript SDK v1', heard.back, where);
const { connected, over } = await loggedIn({
    auth, heard,
    client: () => new Client({ name: 'ostiary-e2e-ts-login-v1', version: '1.0.0' }),
    transport: () => new StreamableHTTPClientTransport(new URL(url), { authProvider: auth }),
    isUnauthorized: (error) => error instanceof UnauthorizedError,
    finish: (transport, answer) => transport.finishAuth(answer.get('code')),
});
try {
    const saw = await collect(connected, over.protocolVersion, []);
    process.stdout.write(`${JSON.stringify({ ...saw, client: auth.clientInformation()?.client_id })}\n`);
} finally {
    await over.terminateSession();
    await connected.close();
}
