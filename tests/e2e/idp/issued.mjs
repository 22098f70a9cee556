// What the provider has handed out: tests search everything that a gateway wrote for it.

const TOKENS = { access_token: 'access token', refresh_token: 'refresh token', id_token: 'identity token' };
let found = [];

export function issued() {
  const all = found;
  found = [];
  return all;
}

// Notes the tokens of an answer's JSON, and the code of a redirect.
export function noting(path, response) {
  const { write, end } = response;
  const parts = [];
  const kept = (part) => {
    if (typeof part === 'string' || part instanceof Uint8Array) parts.push(Buffer.from(part));
  };
  response.write = (part, ...more) => {
    kept(part);
    return write.call(response, part, ...more);
  };
  response.end = (part, ...more) => {
    kept(part);
    note(path, response.getHeader('location'), parts);
    return end.call(response, part, ...more);
  };
}

function note(path, location, parts) {
  const where = `handed out by the provider's ${path}`;
  const code = location && new URL(location, 'http://localhost').searchParams.get('code');
  if (code) found.push(['authorization code', where, code]);
  if (path !== '/token') return;
  const said = JSON.parse(Buffer.concat(parts).toString() || '{}');
  for (const [name, kind] of Object.entries(TOKENS)) if (said[name]) found.push([kind, where, said[name]]);
}
