// The provider's configuration: what an enterprise directory of applications would hold.

import { Memory } from './memory.mjs';
import { findAccount, PEOPLE } from './people.mjs';

const SCOPES = 'mcp:read mcp:write mcp:tools';

// `gateway` is the gateway's own URL, `callbacks` more redirect URIs of it; `serviceKeys` a service's public JWK Set.
function clients({ gateway, callbacks = [], serviceKeys }) {
  const login = {
    redirect_uris: [`${gateway}/login/callback`, ...callbacks],
    post_logout_redirect_uris: [`${gateway}/logout/done`],
    backchannel_logout_uri: `${gateway}/logout/backchannel`,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    id_token_signed_response_alg: 'RS256',
  };
  const service = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] };
  return [
    { ...login, client_id: 'gateway', client_secret: 'gateway-client-secret-of-the-tests' },
    { ...login, client_id: 'gateway-public', token_endpoint_auth_method: 'none' },
    // A program on a person's machine: any port of the loopback interface (RFC 8252 section 7.3).
    {
      client_id: 'desktop', application_type: 'native', token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
    },
    { ...service, client_id: 'service', client_secret: 'service-secret-of-the-tests' },
    { ...service, client_id: 'service-dpop', client_secret: 'service-dpop-secret-of-the-tests', dpop_bound_access_tokens: true },
    ...(serviceKeys
      ? [{ ...service, client_id: 'service-jwt', token_endpoint_auth_method: 'private_key_jwt', jwks: serviceKeys }]
      : []),
  ];
}

// A resource's access tokens are JWTs, unless its address says ?opaque: then they are to be introspected.
function resource(_ctx, indicator) {
  return {
    scope: SCOPES,
    audience: indicator,
    accessTokenTTL: 300,
    accessTokenFormat: new URL(indicator).searchParams.has('opaque') ? 'opaque' : 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  };
}

function extraTokenClaims(_ctx, token) {
  const { groups, team } = PEOPLE[token.accountId] ?? { groups: ['services'], team: 'machines' };
  return { groups, team };
}

// Everybody who works here may use every registered application: the directory asks for no consent.
async function loadExistingGrant({ oidc: { provider, client, session, params } }) {
  const known = session.grantIdFor(client.clientId);
  const grant = (known && (await provider.Grant.find(known))) || new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid profile email groups offline_access');
  for (const each of [params.resource ?? []].flat()) grant.addResourceScope(each, SCOPES);
  await grant.save();
  return grant;
}

const logout = (ctx, form) => {
  ctx.body = `<!doctype html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out everywhere</button>`;
};

export function configuration(setting, keys) {
  return {
    adapter: Memory,
    clients: clients(setting),
    jwks: { keys },
    findAccount,
    loadExistingGrant,
    extraTokenClaims,
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups', 'team'] },
    scopes: ['openid', 'offline_access'],
    // Like the large providers: what was asked for stands in the ID token itself.
    conformIdTokenClaims: false,
    cookies: { keys: ['cookie-key-of-the-tests'] },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 300, ClientCredentials: 300, IdToken: 600, Session: 3600, Grant: 3600, Interaction: 600, RefreshToken: 3600 },
    // Everything here is on loopback, where the provider's own guard lets no request go.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === 'gateway' },
      revocation: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: logout },
      resourceIndicators: { enabled: true, defaultResource: () => undefined, getResourceServerInfo: resource, useGrantedResource: () => true },
    },
  };
}
