/**
 * Fetching one published document from the service's mirror: whole, bounded, and from nobody else. What cannot be read
 * counts as absent. A captive portal answers 200 with a page of its own; redirects are not followed.
 */

const PREFIX = "/published/";
const PATIENCE = 30_000; // milliseconds for one document

/**
 * @param {string} path below /published/ @param {number} limit bytes @param {string} [etag] of what we have
 * @returns {Promise<{content: Uint8Array, etag: string} | null>} null: unchanged, absent, too large, cut off
 */
export async function fetchDocument(path, limit, etag) {
  try {
    const answer = await fetch(PREFIX + path, {
      headers: etag ? { "If-None-Match": etag } : {},
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const tag = answer.headers.get("ETag");
    if (answer.status !== 200 || !tag || /^text\//.test(answer.headers.get("Content-Type") ?? "")) {
      await answer.body?.cancel();
      return null;
    }
    const content = await bounded(answer, limit);
    return content && { content, etag: tag };
  } catch {
    return null; // whatever went wrong, what we have serves on
  }
}

/** @param {Response} answer @param {number} limit @returns {Promise<Uint8Array | null>} */
async function bounded(answer, limit) {
  const reader = answer.body?.getReader();
  if (!reader) return null;
  /** @type {Uint8Array[]} */
  const chunks = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(size);
  chunks.reduce((at, chunk) => (whole.set(chunk, at), at + chunk.length), 0);
  return whole;
}
