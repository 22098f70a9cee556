// What both TypeScript drivers share: the command line, and the one JSON document they print.
const FIRST_MODERN = '2026-07-28';

// Read `[--mode MODE] URL [TOOL JSON]…`.
export function commandLine(words, mode) {
    if (words[0] === '--mode') [, mode, ...words] = words;
    const [url, ...rest] = words;
    if (!url || rest.length % 2) throw new Error('usage: [--mode MODE] URL [TOOL JSON]…');
    const calls = [];
    for (let at = 0; at < rest.length; at += 2) {
        calls.push({ name: rest[at], arguments: JSON.parse(rest[at + 1]) });
    }
    return { mode, url, calls };
}

// List everything the server says it has, make the calls in order, and return the document.
export async function collect(client, version, calls) {
    const has = client.getServerCapabilities() ?? {};
    const document = { era: version >= FIRST_MODERN ? 'modern' : 'handshake', version };
    document.tools = names(await pages(cursor => client.listTools(cursor), 'tools'), 'name');
    if (has.resources) document.resources = names(await pages(cursor => client.listResources(cursor), 'resources'), 'uri');
    if (has.prompts) document.prompts = names(await pages(cursor => client.listPrompts(cursor), 'prompts'), 'name');
    document.calls = [];
    for (const call of calls) document.calls.push({ tool: call.name, ...(await outcome(() => client.callTool(call))) });
    return document;
}

async function outcome(call) {
    try {
        return { result: await call() };
    } catch (error) {
        return { error: failure(error) };
    }
}

// The v2 client gathers the pages itself and then leaves no cursor; the loop serves both.
async function pages(list, key) {
    const all = [];
    for (let cursor; ;) {
        const page = await list(cursor === undefined ? undefined : { cursor });
        all.push(...page[key]);
        if (page.nextCursor === undefined || page.nextCursor === cursor) return all;
        cursor = page.nextCursor;
    }
}

// Both SDKs put their own words before a server's message; only what the server said is compared.
function failure(error) {
    const message = String(error?.message ?? error).replace(/^MCP error -?\d+: /, '');
    return { code: error?.code ?? null, message, data: error?.data ?? null };
}

function names(entries, key) {
    return entries.map(entry => entry[key]);
}
