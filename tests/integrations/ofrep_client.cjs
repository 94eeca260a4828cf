// OpenFeature's own OFREP provider for JavaScript, asked for one flag of each type: node ofrep_client.cjs URL KEY
const { createRequire } = require("node:module");
const load = createRequire(process.env.OFREP_NODE_MODULES + "/");
const { OpenFeature } = load("@openfeature/server-sdk");
const { OFREPProvider } = load("@openfeature/ofrep-provider");

async function main([url, key]) {
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers: [["X-API-Key", key]] }));
  const client = OpenFeature.getClient();
  const acme = { targetingKey: "u1", org: "acme" };
  const found = {
    boolean: await client.getBooleanDetails("new-checkout", true),
    string: await client.getStringDetails("greeting", ""),
    number: await client.getNumberDetails("ratio", 0),
    object: await client.getObjectDetails("search-engine", {}),
    targeted: await client.getStringDetails("theme", "", acme),
    slash: await client.getBooleanDetails("odd key/with slash", false),
    nothing: await client.getStringDetails("nothing", "mine"),
    missing: await client.getBooleanDetails("missing", true),
    mismatch: await client.getBooleanDetails("theme", true),
  };
  console.log(JSON.stringify(found));
}

main(process.argv.slice(2));
