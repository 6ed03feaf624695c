// The difference while one chooses; without this file it stands on the page after the form is sent.
const form = document.getElementById("match");
const sums = document.getElementById("sums");

function minor(text, digits) {
  const found = /^([+-]?)(\d{1,18})(?:[.,](\d+))?$/.exec(text.trim().replace("\u2212", "-"));
  if (!found || (found[3] ?? "").length > digits) return 0n;
  const amount = BigInt(found[2] + (found[3] ?? "").padEnd(digits, "0"));
  return found[1] === "-" ? -amount : amount;
}

function written(amount, digits) {
  const text = String(amount < 0n ? -amount : amount).padStart(digits + 1, "0");
  const decimal = digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const shown = new Intl.NumberFormat(document.documentElement.lang, options).format(decimal);
  return (amount < 0n ? "\u2212" : "") + shown;
}

function chosen() {
  const found = new Map();
  for (const box of form.elements) {
    if (box.type !== "checkbox" || !box.checked) continue;
    const [amount, currency] = box.value.split(" ");
    const sum = found.get(currency) ?? { bank: 0n, items: 0n, digits: Number(box.dataset.digits) };
    sum[box.name.startsWith("entry.") ? "bank" : "items"] += BigInt(amount);
    found.set(currency, sum);
  }
  const [first] = found.values();
  for (const field of first ? form.querySelectorAll(".amount") : []) {
    first.items += minor(field.value || "0", first.digits);
  }
  return found;
}

function cell(tag, text, kind = "figure") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = kind;
  return made;
}

const empty = sums?.querySelector("td[colspan]")?.closest("tr");

function show() {
  const found = chosen();
  const rows = [...found].map(([currency, { bank, items, digits }]) => {
    const row = document.createElement("tr");
    const left = bank - items;
    const code = (text) => `${text}\u00a0${currency}`;
    row.append(
      cell("th", currency, ""),
      cell("td", code(written(bank, digits))),
      cell("td", code(written(items, digits))),
      cell("td", (left ? "" : "\u2713 ") + code(written(left, digits))),
    );
    return row;
  });
  sums.replaceChildren(...(rows.length ? rows : [empty].filter(Boolean)));
  // With a selection, the key c leads to it and not to a row's own suggestion.
  for (const button of document.querySelectorAll(".suggestion button")) {
    button.classList.toggle("confirm", !found.size);
  }
}

if (form) {
  for (const box of form.elements) box.addEventListener(box.type === "checkbox" ? "change" : "input", show);
  show();
}
