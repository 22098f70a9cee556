// What both TypeScript programs that log in share: what they keep, in memory, and how they hear of a person's answer.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';

// Listen on a loopback port for what a person answered; return where, and the answer.
export async function listening() {
    const answered = Promise.withResolvers();
    const server = createServer((request, response) => {
        const url = new URL(request.url, back);
        if (url.searchParams.has('code') || url.searchParams.has('error')) answered.resolve(url.searchParams);
        response.setHeader('connection', 'close');
        response.end('Back at the program.');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const back = `http://127.0.0.1:${server.address().port}/callback`;
    return { back, answer: answered.promise, close: () => server.close() };
}

// Return the OAuthClientProvider of a program that has nothing but a URL and, perhaps, the address of its document.
export function provider(name, back, clientMetadataUrl) {
    const kept = {};
    const sent = randomUUID();
    return {
        clientMetadataUrl,
        redirectUrl: back,
        clientMetadata: { client_name: name, redirect_uris: [back], token_endpoint_auth_method: 'none' },
        state: () => sent,
        clientInformation: () => kept.client,
        saveClientInformation: (client) => { kept.client = client; },
        tokens: () => kept.tokens,
        saveTokens: (tokens) => { kept.tokens = tokens; },
        codeVerifier: () => kept.verifier,
        saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
        redirectToAuthorization: (url) => { process.stdout.write(`open: ${url}\n`); },
        discoveryState: () => kept.discovery,
        saveDiscoveryState: (found) => { kept.discovery = found; },
    };
}

// Connect; where a person is needed, wait for their answer, have the code exchanged, and connect again.
export async function loggedIn({ client, transport, isUnauthorized, finish, auth, heard }) {
    try {
        await client().connect(transport());
    } catch (error) {
        if (!isUnauthorized(error)) throw error;
    }
    const answer = await heard.answer;
    heard.close();
    if (answer.get('state') !== auth.state()) throw new Error('the answer belongs to another question');
    await finish(transport(), answer);
    const connected = client(), over = transport();
    await connected.connect(over);
    return { connected, over };
}
