// Tertulia's counter: <a href="PAGE" data-tertulia-count></a> says how many responses PAGE has. docs/widget.md
(() => {
const base = "@base";
const start = async () => {
	const places = [...document.querySelectorAll("[data-tertulia-count]")];
	const page = e => new URL(e.dataset.tertuliaCount || e.href || "", location.href).href.split("#")[0];
	for (let i = 0; i < places.length; i += 20) {
		const some = places.slice(i, i + 20), query = new URLSearchParams({ lang: document.documentElement.lang });
		for (const e of some) query.append("url", page(e));
		const answer = await fetch(base + "counts?" + query, { credentials: "omit" });
		if (!answer.ok) return;
		const counts = await answer.json();
		some.forEach((e, n) => { if (counts[n].count) e.textContent = counts[n].text; });
	}
};
const quietly = () => start().catch(() => {}); // the links say what they say
if (document.readyState === "loading") addEventListener("DOMContentLoaded", quietly);
else quietly();
})();
