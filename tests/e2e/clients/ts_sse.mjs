// Drive a server with the TypeScript SDK v1 over HTTP+SSE (2024-11-05) and print one JSON document of what it saw.
//
//   OSTIARY_TOKEN=… node ts_sse.mjs URL [TOOL JSON]…
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema,
    LoggingMessageNotificationSchema,
    ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

import { commandLine } from './document.mjs';

const { url, calls } = commandLine(process.argv.slice(2), 'legacy');
const headers = { Authorization: `Bearer ${process.env.OSTIARY_TOKEN}` };
const transport = new SSEClientTransport(new URL(url), { requestInit: { headers } });
const client = new Client(
    { name: 'ostiary-e2e-ts-sse', version: '1.0.0' },
    { capabilities: { elicitation: {}, sampling: {}, roots: {} } },
);
const document = { version: '', tools: [], calls: [], asked: [], logged: [], progress: [] };
client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    document.asked.push(params.message);
    return { action: 'accept', content: { name: 'Ada' } };
});
client.setRequestHandler(CreateMessageRequestSchema, () => {
    document.asked.push('sampling');
    return { role: 'assistant', content: { type: 'text', text: 'Paris' }, model: 'none' };
});
client.setRequestHandler(ListRootsRequestSchema, () => {
    document.asked.push('roots');
    return { roots: [{ uri: 'file:///home/ada' }] };
});
client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void document.logged.push(params.data));
const changed = new Promise(resolve => client.setNotificationHandler(ToolListChangedNotificationSchema, resolve));

await client.connect(transport);
// The SDK forgets a call's progress handler with its answer, before it handles the progress that came right before it.
const take = transport.onmessage;
transport.onmessage = message => {
    if (message.method === 'notifications/progress') document.progress.push(message.params.progress);
    take(message);
};
try {
    document.version = transport._protocolVersion;
    document.tools = (await client.listTools()).tools.map(tool => tool.name);
    if (document.tools.includes('log')) await client.setLoggingLevel('info');
    for (const { name, arguments: given } of calls) {
        try {
            const result = await client.callTool({ name, arguments: given }, undefined, { onprogress: () => {} });
            document.calls.push({ tool: name, result });
        } catch (error) {
            document.calls.push({ tool: name, error: { code: error?.code ?? null, message: String(error?.message) } });
        }
    }
    if (calls.some(({ name }) => name === 'change_tools')) await changed;
    process.stdout.write(`${JSON.stringify(document)}\n`);
} finally {
    await client.close();
}
