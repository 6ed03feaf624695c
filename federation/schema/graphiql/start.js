// Shows GraphiQL of the endpoint that the page was asked at. Headers are not kept: a token is one.
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

const fetcher = GraphiQL.createFetcher({
  url: location.pathname,
  enableIncrementalDelivery: false,
});

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: WELCOME,
    defaultEditorToolsVisibility: "headers",
    shouldPersistHeaders: false,
  }),
);
