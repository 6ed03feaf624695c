// Keys for who works without a mouse; every page works without this file.
const rows = () => [...document.querySelectorAll("[data-row]")];
let at = -1;

function go(step) {
  const all = rows();
  if (!all.length) return;
  at = Math.min(Math.max(at + step, 0), all.length - 1);
  const row = all[at];
  for (const each of all) each.classList.toggle("at", each === row);
  const target = row.querySelector("a, button, input:not([type=hidden])") ?? row;
  if (target === row) row.tabIndex = -1;
  target.focus();
  row.scrollIntoView({ block: "nearest" });
}

// To a button, never through it: what acts is pressed by the person.
function to(kind) {
  const row = rows()[at] ?? document;
  (row.querySelector(`.${kind}`) ?? document.querySelector(`main .${kind}`))?.focus();
}

const KEYS = {
  "/": () => document.querySelector("[role=search] input:not([type=hidden]), [role=search] select")?.focus(),
  j: () => go(1),
  k: () => go(-1),
  c: () => to("confirm"),
  r: () => to("refuse"),
  "?": () => {
    const keys = document.querySelector("details.keys");
    keys.open = !keys.open;
    keys.querySelector("summary").focus();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select")) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-row]");
  if (row) at = rows().indexOf(row);
});

// What was done is said once: the address that is kept, or sent on, says what is shown.
const here = new URL(location.href);
if (here.searchParams.has("said")) {
  here.searchParams.delete("said");
  history.replaceState(null, "", here);
}
