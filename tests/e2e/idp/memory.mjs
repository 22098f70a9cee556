// Sessions, codes, grants: in memory that outlives a change of keys, for the length of one test run.

const stored = new Map();

const later = (seconds) => (seconds ? Date.now() + seconds * 1000 : Infinity);

export class Memory {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload, seconds) {
    stored.set(`${this.model}:${id}`, { payload, until: later(seconds) });
  }

  async find(id) {
    const found = stored.get(`${this.model}:${id}`);
    return found && found.until > Date.now() ? found.payload : undefined;
  }

  async findByUid(uid) {
    return this.#first((payload) => payload.uid === uid);
  }

  async findByUserCode(code) {
    return this.#first((payload) => payload.userCode === code);
  }

  async consume(id) {
    const payload = await this.find(id);
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    stored.delete(`${this.model}:${id}`);
  }

  async revokeByGrantId(grant) {
    for (const [key, { payload }] of stored) if (payload.grantId === grant) stored.delete(key);
  }

  #first(fits) {
    for (const [key, { payload, until }] of stored) {
      if (key.startsWith(`${this.model}:`) && until > Date.now() && fits(payload)) return payload;
    }
    return undefined;
  }
}
