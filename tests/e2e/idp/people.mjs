// The people of the test directory, and the page at which they say who they are. Passwords are the test's own.

export const PEOPLE = {
  ana: { password: 'ana-password', name: 'Ana Ruiz', email: 'ana@example.com', groups: ['eng', 'staff'], team: 'core' },
  sec: { password: 'sec-password', name: 'Sec Auditor', email: 'sec@example.com', groups: ['sec'], team: 'audit' },
  guest: { password: 'guest-password', name: 'A Guest', email: 'guest@example.com', groups: [], team: 'none' },
};

export function findAccount(_ctx, id) {
  const person = Object.hasOwn(PEOPLE, id) ? PEOPLE[id] : undefined;
  if (!person) return undefined;
  const { password, ...claims } = person;
  return { accountId: id, claims: () => ({ sub: id, ...claims, email_verified: true }) };
}

const form = (said) => `<!doctype html><title>Sign in</title><h1>Test directory</h1><p id="said">${said}</p>
<form method="post"><input name="login" autofocus><input name="password" type="password"><button>Sign in</button></form>`;

async function fields(request) {
  let body = '';
  for await (const part of request) {
    body += part;
    if (body.length > 4096) throw new Error('too long');
  }
  return new URLSearchParams(body);
}

// The login page: GET shows the form, POST checks the password and goes back to the provider.
export async function interaction(provider, request, response) {
  response.setHeader('content-type', 'text/html; charset=utf-8');
  if (request.method !== 'POST') {
    await provider.interactionDetails(request, response);
    response.end(form(''));
    return;
  }
  const said = await fields(request);
  const person = Object.hasOwn(PEOPLE, said.get('login')) ? PEOPLE[said.get('login')] : undefined;
  if (person?.password !== said.get('password')) {
    response.statusCode = 403;
    response.end(form('Wrong name or password'));
    return;
  }
  const result = { login: { accountId: said.get('login'), amr: ['pwd'] } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}
