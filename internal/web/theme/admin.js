// Keys to decide with: they press the buttons of the page, which does without. Whoever does not
// want them turns them off, which this browser remembers.
"use strict";

const off = "tertulia-keys-off";
const dialog = document.getElementById("keys");
const stored = {
	get off() { try { return localStorage.getItem(off) !== null; } catch { return false; } },
	set off(value) { try { value ? localStorage.setItem(off, "1") : localStorage.removeItem(off); } catch { /* it is forgotten with the page */ } },
};
let on = !stored.off;

const rows = () => [...document.querySelectorAll(".row")];
const group = (row) => row?.closest(".group") ?? document.activeElement?.closest(".group");
const current = () => document.activeElement?.closest(".row") ?? document.activeElement?.closest(".group")?.querySelector(".row");

for (const row of rows()) row.tabIndex = -1; // it can be focused, and is no tab stop

function move(by) {
	const all = rows();
	const here = document.activeElement?.closest(".row");
	const start = document.activeElement?.closest(".group")?.querySelector(".row");
	const at = here ? all.indexOf(here) + by : start ? all.indexOf(start) + Math.min(by, 0) : by > 0 ? 0 : all.length - 1;
	const row = all[Math.max(0, Math.min(at, all.length - 1))];
	row?.focus();
	row?.scrollIntoView({ block: "nearest" });
}

function press(selector, within) {
	const button = within?.querySelector(selector);
	button?.click();
	return Boolean(button);
}

const keys = {
	j: () => move(1),
	k: () => move(-1),
	a: () => press('[value^="approve "]', current()) || press('[name="whole"][value^="approve "]', group(current())),
	r: () => press('[value^="reject "]', current()) || press('[name="whole"][value^="reject "]', group(current())),
	m: () => press('[name="whole"][value^="mute "]', group(current())),
	b: () => press('[name="whole"][value^="block "]', group(current())),
	c: () => press('a[href^="answer/"]', current()),
	x: () => press('input[type="checkbox"]', current()) || press('input[type="checkbox"]', group(current())),
	u: () => press('[name="undo"]', document.getElementById("notice")),
};

if (dialog) {
	const box = document.getElementById("keys-on");
	document.querySelector(".keys-hint").classList.add("ready");
	box.checked = on;
	box.addEventListener("change", () => { on = box.checked; stored.off = !on; });
	document.getElementById("keys-open").addEventListener("click", () => dialog.showModal());
	document.getElementById("keys-close").addEventListener("click", () => dialog.close());
}

document.addEventListener("keydown", (event) => {
	if (!on || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat && event.key !== "j" && event.key !== "k") return;
	if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog")) return;
	if (event.key === "?" && dialog) dialog.showModal();
	else if (Object.hasOwn(keys, event.key)) keys[event.key]();
	else return;
	event.preventDefault();
});
