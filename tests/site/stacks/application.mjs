// The application of every stack, in `Request` and `Response`.

const TEXT = { "content-type": "text/plain; charset=utf-8", "x-page": "yes" };
const CACHED = {
  "cache-control": "public, max-age=60",
  vary: "Accept-Encoding, authorization",
  link: '</style.css>; rel="preload"',
  "cdn-cache-control": "max-age=60",
  "cloudflare-cdn-cache-control": "max-age=60",
  "surrogate-control": "max-age=60",
  "edge-control": "max-age=60",
};
const PAGES = {
  nothing: [null, 204],
  missing: ["Nothing here.\n", 404],
  broken: ["Broken.\n", 500],
  empty: ["", 200],
  moved: [null, 302, { location: "/news/a" }],
  accel: ["A page.\n", 200, { "X-Accel-Redirect": "/kept/page" }],
  sendfile: ["A page.\n", 200, { "X-Sendfile": "/srv/kept/page" }],
  cached: ["A page.\n", 200, CACHED],
};

/** Answer as README.md says. */
export function application(request) {
  const page = new URL(request.url).pathname.split("/").pop();
  if (!["GET", "HEAD"].includes(request.method)) return new Response("Done.\n", { headers: TEXT });
  if (page === "stream") return new Response(stream(["one\n", "two\n", "three\n"]), { headers: TEXT });
  if (page === "accel-in-parts") {
    const headers = { ...TEXT, "x-accel-redirect": "/kept/page" };
    return new Response(stream(["A ", "page", ".\n"]), { headers });
  }
  if (page === "long") return new Response(stream(Array(256).fill("x".repeat(65536))), { headers: TEXT });
  const [body, status, more] = PAGES[page] ?? ["A page.\n", 200];
  return new Response(body, { status, headers: { ...TEXT, ...more } });
}

function stream(parts) {
  const left = parts.map((part) => new TextEncoder().encode(part));
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(left.shift());
      if (left.length === 0) controller.close();
    },
  });
}

export default { fetch: application };
