// The ES module before node:http: `node node.mjs CONFIG PORT`; with SECOND in the environment it is
// always that second.

import { createServer } from "node:http";
import { Readable } from "node:stream";

import { protect } from "../../../kit/javascript/src/node/index.js";

const TEXT = { "content-type": "text/plain; charset=utf-8", "x-page": "yes" };
const PAGES = {
  nothing: [204],
  missing: [404, "Nothing here.\n"],
  broken: [500, "Broken.\n"],
  empty: [200, ""],
  moved: [302, "", { location: "/news/a" }],
  accel: [200, "A page.\n", { "X-Accel-Redirect": "/kept/page" }],
  sendfile: [200, "A page.\n", { "X-Sendfile": "/srv/kept/page" }],
  cached: [
    200,
    "A page.\n",
    {
      "cache-control": "public, max-age=60",
      vary: "Accept-Encoding, authorization",
      link: '</style.css>; rel="preload"',
      "cdn-cache-control": "max-age=60",
      "cloudflare-cdn-cache-control": "max-age=60",
      "surrogate-control": "max-age=60",
      "edge-control": "max-age=60",
    },
  ],
};

/** Answer as README.md says. */
function application(request, response) {
  const page = request.url.split("?")[0].split("/").pop();
  if (!["GET", "HEAD"].includes(request.method)) {
    response.writeHead(200, TEXT);
    response.end("Done.\n");
  } else if (page === "stream") {
    response.writeHead(200, TEXT);
    for (const part of ["one\n", "two\n", "three\n"]) response.write(part);
    response.end();
  } else if (page === "accel-in-parts") {
    response.writeHead(200, { ...TEXT, "x-accel-redirect": "/kept/page" });
    for (const part of ["A ", "page", ".\n"]) response.write(part);
    response.end();
  } else if (page === "long") {
    response.writeHead(200, TEXT);
    Readable.from(Array(256).fill(Buffer.alloc(65536, "x"))).pipe(response);
  } else {
    const [status, body, more] = PAGES[page] ?? [200, "A page.\n"];
    if (page === "cached") cachedAsItLeaves(response);
    response.writeHead(status, { ...TEXT, ...more });
    response.end(body);
  }
}

/** Have an answer cached by what stands around its writeHead, as session middlewares do. */
function cachedAsItLeaves(response) {
  const { writeHead } = response;
  response.writeHead = (...given) => {
    response.setHeader("surrogate-control", "max-age=60");
    return writeHead.apply(response, given);
  };
}

/** What stands before the gate may have set headers already. */
function cachedBefore(request, response) {
  const isCached = request.url.split("?")[0].endsWith("/cached");
  if (isCached) response.setHeader("cdn-cache-control", "max-age=60");
}

const [, , config, port] = process.argv;
const second = process.env.SECOND;
const handler = protect(application, config, {
  log: () => undefined,
  clock: () => (second ? Number(second) : Date.now() / 1000),
});
const server = createServer((request, response) => {
  cachedBefore(request, response);
  handler(request, response);
}).listen(Number(port), "127.0.0.1");
process.once("SIGTERM", async () => {
  server.close();
  server.closeIdleConnections();
  await handler.close();
  process.exit(0);
});
