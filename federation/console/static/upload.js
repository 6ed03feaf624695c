// A file goes as it is to the door that programs use, and what was answered is said here.
// The form says where (data-to), as what (data-type), and for whom (data-proof).
const form = document.querySelector("form[data-to]");
const verdict = document.getElementById("verdict");

function say(...cases) {
  for (const each of verdict.querySelectorAll("[data-when]")) {
    each.hidden = !cases.includes(each.dataset.when);
  }
}

function fill(answer) {
  for (const each of verdict.querySelectorAll("[data-of]")) {
    const value = answer[each.dataset.of];
    if (each.tagName === "UL") {
      each.replaceChildren(...(value ?? []).map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    } else each.textContent = Array.isArray(value) ? value.length : (value ?? "");
  }
}

// What stands below is as it was before the file came.
async function renew() {
  const page = await (await fetch(location.href, { headers: { Accept: "text/html" } })).text();
  const fresh = new DOMParser().parseFromString(page, "text/html").getElementById("as-it-is");
  if (fresh) document.getElementById("as-it-is").replaceWith(fresh);
}

async function send(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  say();
  try {
    const answer = await fetch(form.dataset.to, {
      method: "POST",
      headers: { "Content-Type": form.dataset.type, "X-CSRF-Token": form.dataset.proof },
      body: form.elements.file.files[0],
    });
    const said = await answer.json();
    fill(said);
    if (answer.ok) say("taken", said.again ? "again" : "new");
    else say("refused");
    if (answer.ok && document.getElementById("as-it-is")) await renew();
  } catch {
    say("unreachable");
  }
  button.disabled = false;
}

if (form) {
  form.hidden = false;
  form.addEventListener("submit", send);
}
