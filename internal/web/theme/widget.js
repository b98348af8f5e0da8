// Tertulia's widget: docs/widget.md
(() => {
const base = "@base", css = `@css`;
const words = { es: "Ver la conversación", en: "See the conversation" };
const element = "tertulia-conversation";
const settings = document.currentScript ? document.currentScript.dataset : {};
const dangerous = "script,style,link,meta,base,iframe,frame,object,embed,template,svg,math," + element;
let sheet;

// The service sends nothing that runs or loads from elsewhere; and if it did, this would not let it in.
const harmless = root => {
	for (const e of root.querySelectorAll(dangerous)) e.remove();
	for (const e of [root, ...root.querySelectorAll("*")]) for (const { name, value } of [...e.attributes]) {
		const ours = value.startsWith(base), link = ours || /^(https?:\/\/|mailto:|#)/i.test(value);
		if (/^on|^(style|srcdoc|srcset|ping|background)$|^form(?!novalidate)./.test(name) || /^(src|action|poster|data)$/.test(name) && !ours || name === "href" && !link) e.removeAttribute(name);
	}
	return root;
};

class Conversation extends HTMLElement {
	static observedAttributes = ["target", "lang", "sort", "heading-level"];

	connectedCallback() {
		if (this.loaded) return;
		const taken = [...document.querySelectorAll(element)].map(e => e !== this && e.nth);
		for (this.nth = 1; taken.includes(this.nth);) this.nth++;
		if (!this.language) this.language = this.getAttribute("lang") || (this.closest("[lang]") || this).lang;
		if (!getComputedStyle(this).getPropertyValue("--tertulia")) {
			if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(css);
			const root = this.getRootNode();
			root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
		}
		if (!this.firstElementChild) {
			const a = this.appendChild(document.createElement("a"));
			a.href = this.address();
			a.textContent = words[this.language.slice(0, 2)] || words.en;
		}
		if (location.hash.startsWith("#tertulia")) return this.load();
		this.eye ||= new IntersectionObserver(seen => seen.some(s => s.isIntersecting) && this.load(), { rootMargin: "1000px" });
		this.eye.observe(this);
	}
	disconnectedCallback() {
		if (this.eye) this.eye.disconnect();
	}
	attributeChangedCallback(name, old, now) {
		if (name === "lang") this.language = now || "";
		if (this.loaded) this.load();
	}
	address(more) {
		const canonical = document.querySelector("link[rel=canonical]"), page = document.createElement("a");
		page.href = this.getAttribute("target") || (canonical || location).href;
		return base + "conversation?" + new URLSearchParams({ url: page.href, lang: this.language, ...more });
	}

	// A document that was asked for as one is parsed where nothing runs or loads, and is no string on the way.
	load(chosen) {
		if (this.eye) this.eye.disconnect();
		const x = this.asked = new XMLHttpRequest();
		x.open("GET", this.address({ fragment: 1, ago: 1, nth: this.nth, sort: this.getAttribute("sort") || "", heading: this.getAttribute("heading-level") || "" }));
		x.responseType = "document";
		x.onload = () => {
			const section = x.status === 200 && x.response && x.response.querySelector(".tertulia");
			if (section && x === this.asked) this.show(document.importNode(harmless(section), true), chosen);
		};
		x.send();
	}

	show(section, chosen) {
		for (const { name, value } of this.attributes) {
			const [, part, lang] = /^text-([a-z]+)(?:-(es|en))?$/.exec(name) || [];
			if (part && (!lang || lang === section.lang)) for (const e of section.querySelectorAll(".tertulia-" + part)) e.textContent = value;
		}
		for (const a of section.querySelectorAll(".tertulia-language")) a.onclick = e => {
			e.preventDefault();
			this.language = a.lang;
			this.load(true);
		};
		if (!chosen && this.contains(document.activeElement)) return; // somebody is in the middle of something
		this.replaceChildren(section);
		if (chosen) {
			section.tabIndex = -1;
			section.focus();
		} else if (!this.loaded && section.contains(document.getElementById(location.hash.slice(1) || " "))) location.replace(location.hash);
		this.loaded = true;
	}
}
const start = () => {
	// The places of webmention.io's script and of webmention.js.
	for (const e of document.querySelectorAll(`[id="${settings.id || "webmentions"}"],[data-webmention-target]:not(a)`)) {
		if (e.closest(element) || e.querySelector(element)) continue;
		const c = document.createElement(element), target = e.dataset.webmentionTarget || settings.pageUrl;
		if (target) c.setAttribute("target", target);
		c.append(...e.childNodes);
		e.append(c);
	}
	if (!customElements.get(element)) customElements.define(element, Conversation);
};
if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
})();
