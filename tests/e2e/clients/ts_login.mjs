// Log in with the TypeScript client v2, with nothing but the URL, and print one JSON document of what it then saw.
//
//   node ts_login.mjs URL [DOCUMENT]      DOCUMENT: the address of its client ID metadata document; else it registers
//   BOUND=yes node ts_login.mjs URL       its tokens are bound to a key that it proves to hold (RFC 9449)
//
// Says `open: ADDRESS` when a person is needed, and hears of the answer on a loopback port.
import { Client, DpopSession, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';

import { collect } from './document.mjs';
import { listening, loggedIn, provider } from './login.mjs';

const [url, where] = process.argv.slice(2);
const heard = await listening();
const auth = provider('TypeScript client', heard.back, where);
if (process.env.BOUND) {
    const session = DpopSession.create();
    auth.dpop = () => session;
}
const { connected } = await loggedIn({
    auth, heard,
    client: () => new Client({ name: 'ostiary-e2e-ts-login', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } }),
    transport: () => new StreamableHTTPClientTransport(new URL(url), { authProvider: auth }),
    isUnauthorized: (error) => error instanceof UnauthorizedError || error?.cause instanceof UnauthorizedError,
    finish: (transport, answer) => transport.finishAuth(answer),
});
try {
    const saw = await collect(connected, connected.getNegotiatedProtocolVersion(), []);
    const [client, type] = [auth.clientInformation()?.client_id, auth.tokens().token_type];
    process.stdout.write(`${JSON.stringify({ ...saw, client, type })}\n`);
} finally {
    await connected.close();
}
