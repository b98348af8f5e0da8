// Helps with writing a post: shows the fields of the type that is chosen, counts, shows pictures
// before they are uploaded, asks before what was typed is lost. The form does without it.
"use strict";

const form = document.getElementById("compose");
const field = (name) => form.elements[name];
let touched = Boolean(document.querySelector("#wrong, .preview"));

// The fields of a type.
const become = (type) => {
	field("type").value = type;
	for (const part of form.querySelectorAll("[data-for]")) {
		part.hidden = !part.dataset.for.split(" ").includes(type);
		const must = part.dataset.needed?.split(" ").includes(type) ?? false;
		part.querySelector(".must")?.toggleAttribute("hidden", !must);
		part.querySelector("input:not([type=file]), textarea, select")?.toggleAttribute("required", must && part.tagName !== "FIELDSET");
	}
	for (const box of form.querySelectorAll("[data-default]")) box.checked = box.dataset.default.split(" ").includes(type);
	for (const link of document.querySelectorAll("a[data-type]")) {
		if (link.dataset.type === type) link.setAttribute("aria-current", "true");
		else link.removeAttribute("aria-current");
	}
};
for (const link of document.querySelectorAll("a[data-type]")) {
	link.addEventListener("click", (event) => {
		if (event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		become(link.dataset.type);
	});
}

// Where copies go follows the type until somebody chooses.
for (const box of form.querySelectorAll("[data-default]")) box.addEventListener("change", () => box.removeAttribute("data-default"));

// An address that is pasted into an empty note may be what to answer.
const content = field("content");
const offer = form.querySelector("[data-offer]");
const address = () => { try { return /^https?:\/\/\S+$/.test(content.value.trim()) && new URL(content.value.trim()).href; } catch { return false; } };
const count = () => {
	const shown = form.querySelector(".count");
	if (!content || !shown) return;
	const n = Intl.Segmenter ? [...new Intl.Segmenter().segment(content.value)].length : content.value.length;
	shown.hidden = !n;
	shown.textContent = shown.dataset.count.replace("@", new Intl.NumberFormat(document.documentElement.lang).format(n));
	if (offer) offer.hidden = !offer.querySelector("button") || !address();
};
content?.addEventListener("input", count);
for (const button of form.querySelectorAll("[data-become]")) {
	button.addEventListener("click", () => {
		field("target").value = address();
		content.value = "";
		become(button.dataset.become);
		count();
		(button.dataset.become === "like" ? field("target") : content).focus();
	});
}
count();

// A picture is seen, and each is described, before it is uploaded.
const files = document.getElementById("file-photo");
const alts = form.querySelector("[data-alts]");
const plain = alts?.firstElementChild;
files?.addEventListener("change", () => {
	for (const img of alts.querySelectorAll("img")) URL.revokeObjectURL(img.src);
	const texts = [...alts.querySelectorAll("input")].map((input) => input.value);
	alts.replaceChildren(...(files.files.length ? [...files.files] : [null]).map((file, i) => {
		const row = plain.cloneNode(true);
		const input = row.querySelector("input");
		input.value = texts[i] ?? "";
		if (i) {
			input.id = row.querySelector("label").htmlFor = "new-alt-" + i;
			row.querySelector(".small").remove();
			input.removeAttribute("aria-describedby");
		}
		if (!file) return row;
		row.querySelector("label").textContent = form.dataset.alt.replace("@", i + 1);
		const img = new Image();
		img.alt = "";
		img.src = URL.createObjectURL(file);
		row.prepend(img);
		return row;
	}));
});

// The time zone of this device.
const zones = field("zone");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zones && here && here.includes("/") && ![...zones.options].some((o) => o.value === here)) {
	const own = new Option(form.dataset.zone.replace("@", here), here);
	zones.add(own);
	if (!field("post").value && !zones.value && !field("published").value) own.selected = true;
}

// What was typed is not lost, and not sent twice.
form.addEventListener("input", () => { touched = true; });
form.addEventListener("submit", (event) => {
	touched = false;
	if (form.dataset.sent) event.preventDefault();
	form.dataset.sent = "1";
});
addEventListener("pageshow", () => { delete form.dataset.sent; });
addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
document.getElementById("preview")?.focus();
