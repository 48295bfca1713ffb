// Counts what a flow log allowed in on TCP port 25 with SQL, in DuckDB with two threads. Prints tuples and bytes.
//
//   node duckdb.js FILE nsg|vnet
//
// Only lines with ",25," in them are taken apart: faster than splitting all of them.
"use strict";
const { DuckDBInstance } = require("@duckdb/node-api");

async function main() {
  const [file, layout] = process.argv.slice(2);
  const [body, groups] = layout === "vnet" ? ["flowRecords", "flowGroups"] : ["properties", "flows"];
  const shape = `STRUCT(${body} STRUCT(flows STRUCT(${groups} STRUCT(flowTuples VARCHAR[])[])[]))[]`;
  const sql = `
    WITH lines AS (
      SELECT unnest(g.flowTuples) AS line FROM (
        SELECT unnest(f.${groups}) AS g FROM (
          SELECT unnest(r.${body}.flows) AS f FROM (
            SELECT unnest(records) AS r FROM read_json('${file.replaceAll("'", "''")}', columns = {records: '${shape}'},
              maximum_object_size = 2000000000, format = 'unstructured')))))
    SELECT count(*)::VARCHAR AS n, coalesce(sum(coalesce(try_cast(f[11] AS BIGINT), 0) + coalesce(try_cast(f[13] AS BIGINT), 0)), 0)::VARCHAR AS bytes
    FROM (SELECT string_split(line, ',') AS f FROM lines WHERE line LIKE '%,25,%')
    WHERE f[5] = '25' AND f[6] IN ('T', '6') AND f[7] = 'I' AND f[8] <> 'D'`;
  const database = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await database.connect();
  const reader = await connection.runAndReadAll(sql);
  console.log(reader.getRows()[0].join(" "));
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
