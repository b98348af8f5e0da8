// Signs in with a passkey, or makes one. It is the only script of the service's pages, which
// do without it: the forms that need it stay hidden then.
"use strict";

for (const form of document.querySelectorAll("form[data-passkey]")) {
	if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) break;
	form.hidden = false;
	form.addEventListener("submit", async (event) => {
		const field = form.elements.credential;
		if (field.value) return;
		event.preventDefault();
		const options = JSON.parse(form.dataset.options);
		try {
			const key = form.dataset.passkey === "new"
				? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
				: await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
			field.value = JSON.stringify(key);
			form.requestSubmit(event.submitter);
		} catch {
			form.querySelector("[role=alert]").textContent = form.dataset.failed;
		}
	});
}
