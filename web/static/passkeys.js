// Forms with data-passkey ("get" or "create"): asks the browser for a passkey and sends its answer in the form.
// Nothing else on the desk needs a script; without one these forms stay hidden. Source: WebAuthn Level 2, section 5.

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

const withIds = (list = []) => list.map((entry) => ({ ...entry, id: toBytes(entry.id) }));

function readOptions(form) {
  const options = JSON.parse(form.dataset.options);
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  options.allowCredentials = withIds(options.allowCredentials);
  options.excludeCredentials = withIds(options.excludeCredentials);
  return options;
}

const PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

function write(credential) {
  const response = {};
  for (const part of PARTS) {
    if (credential.response[part]) response[part] = toText(credential.response[part]);
  }
  const id = toText(credential.rawId);
  return JSON.stringify({ id, rawId: id, type: credential.type, response });
}

async function ask(form) {
  const failed = form.querySelector(".failed");
  failed.hidden = true;
  try {
    const found = await navigator.credentials[form.dataset.passkey]({ publicKey: readOptions(form) });
    form.elements.credential.value = write(found);
    form.submit();
  } catch {
    failed.hidden = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !window.PublicKeyCredential;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form);
  });
}

for (const hint of document.querySelectorAll(".without-script")) hint.hidden = Boolean(window.PublicKeyCredential);
