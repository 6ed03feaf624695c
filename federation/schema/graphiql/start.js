// Shows GraphiQL of the endpoint that the page was asked at. Headers are not kept: a token is one.
// A page of the console hands over its question behind `#`: query=…&variables=…
const WELCOME = `# Everybody may read the schema:
# press the book at the left.
#
# What is asked in somebody's name
# needs a token, under Headers below:
#   {"Authorization": "Bearer ..."}
# or a session, from /sign-in.

{
  __typename
}
`;

const handed = new URLSearchParams(location.hash.slice(1));
let proof; // what shows that a page of this server asks with a session; see /session

async function headers() {
  proof ??= fetch("/session", { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : {}))
    .then((session) => session.csrf_token);
  const known = await proof;
  return known ? { "X-CSRF-Token": known } : {};
}

const fetcher = GraphiQL.createFetcher({
  url: location.pathname,
  enableIncrementalDelivery: false,
  fetch: async (url, request) =>
    fetch(url, { ...request, headers: { ...(await headers()), ...request.headers } }),
});

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: WELCOME,
    query: handed.get("query") ?? undefined,
    variables: handed.get("variables") ?? undefined,
    defaultEditorToolsVisibility: handed.has("variables") ? "variables" : "headers",
    shouldPersistHeaders: false,
  }),
);
