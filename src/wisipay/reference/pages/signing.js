// Signs a request as docs/integrate/signing.md says (v2), with the browser's own cryptography.

const encoder = new TextEncoder();
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function sign(secret, method, pathAndQuery, body, timestamp) {
  const digest = hex(await crypto.subtle.digest("SHA-256", encoder.encode(body)));
  const message = `${timestamp}\n${method}\n${pathAndQuery}\n${digest}`;
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return { message, signature: `v2=${hex(await crypto.subtle.sign("HMAC", key, encoder.encode(message)))}` };
}
