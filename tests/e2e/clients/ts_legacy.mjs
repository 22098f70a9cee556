// Drive a server with the TypeScript SDK v1 (handshake era only) and print one JSON document of what it saw.
//
//   OSTIARY_TOKEN=… node ts_legacy.mjs URL [TOOL JSON]…
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { collect, commandLine } from './document.mjs';

const { url, calls } = commandLine(process.argv.slice(2), 'legacy');
const token = process.env.OSTIARY_TOKEN;
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
const client = new Client({ name: 'ostiary-e2e-ts-legacy', version: '1.0.0' });

await client.connect(transport);
try {
    const document = await collect(client, transport.protocolVersion, calls);
    process.stdout.write(`${JSON.stringify(document)}\n`);
} finally {
    await transport.terminateSession();
    await client.close();
}
