// What the kit's README shows for Workers, in workerd as Miniflare runs it: `node workerd.mjs CONFIG PORT`.
// What its Durable Object keeps lies beside CONFIG, as at Cloudflare it outlives the workers.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Miniflare } from "../../../tools/judges/node_modules/miniflare/dist/src/index.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const KIT = resolve(HERE, "../../../kit/javascript");
const [, , file, port] = process.argv;

const readme = readFileSync(join(KIT, "README.md"), "utf8");
const shown = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, text]) => text);
const { exports } = JSON.parse(readFileSync(join(KIT, "package.json"), "utf8"));
const placed = (text) =>
  text.replace(/"federation-site(\/[a-z-]+)"/g, (_, name) => `"${join(KIT, exports[`.${name}`])}"`);
const folder = dirname(resolve(file));
writeFileSync(join(folder, "worker.js"), placed(shown.at(-2)));
writeFileSync(join(folder, "site.js"), placed(shown.at(-1)));

const ending = new AbortController();
const end = () => ending.abort();
process.on("SIGTERM", end);

const common = {
  modules: true,
  modulesRoot: "/",
  modulesRules: [{ type: "ESModule", include: ["**/*.js", "**/*.mjs"] }],
  compatibilityDate: "2025-09-01",
};
const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: Number(port),
  cf: false,
  handleRuntimeStdio: (out, err) => {
    out.pipe(process.stdout);
    err.pipe(process.stderr);
  },
  durableObjectsPersist: join(folder, "objects"),
  workers: [
    {
      ...{ ...common, name: "gate", scriptPath: join(folder, "worker.js") },
      bindings: { FEDERATION_SITE: readFileSync(file, "utf8") },
      durableObjects: { SITE: { className: "Site", useSQLite: true } },
      serviceBindings: { site: "site" },
    },
    { ...common, name: "site", scriptPath: join(HERE, "application.mjs") },
  ],
});
// Miniflare's own would end everything before anything is handed in. Ours is there from the start: a
// signal that comes while there is none, or another, is lost.
for (const each of process.listeners("SIGTERM")) if (each !== end) process.off("SIGTERM", each);
const gate = await miniflare.getWorker("gate");
while (!ending.signal.aborted) {
  await gate.scheduled(); // in the place of a worker's timer
  await wait(1000, undefined, { signal: ending.signal }).catch(() => undefined);
}
await gate.scheduled();
await miniflare.dispose();
process.exit(0);
