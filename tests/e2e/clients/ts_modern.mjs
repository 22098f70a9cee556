// Drive a server with the TypeScript client v2 and print one JSON document of what it saw.
//
//   OSTIARY_TOKEN=… node ts_modern.mjs [--mode modern|auto|legacy] URL [TOOL JSON]…
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { collect, commandLine } from './document.mjs';

const MODES = { modern: { pin: '2026-07-28' }, auto: 'auto', legacy: 'legacy' };

const { mode, url, calls } = commandLine(process.argv.slice(2), 'modern');
const token = process.env.OSTIARY_TOKEN;
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
const client = new Client(
    { name: 'ostiary-e2e-ts-modern', version: '1.0.0' },
    { versionNegotiation: { mode: MODES[mode] } },
);

await client.connect(transport);
try {
    const document = await collect(client, client.getNegotiatedProtocolVersion(), calls);
    process.stdout.write(`${JSON.stringify(document)}\n`);
} finally {
    await client.close();
}
