// Counts what a flow log allowed in on TCP port 25, as a script does: JSON.parse, then split. Prints tuples and bytes.
"use strict";
const { records } = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
let tuples = 0, bytes = 0;
for (const record of records)
  for (const flow of (record.properties || record.flowRecords).flows)
    for (const group of flow.flows || flow.flowGroups)
      for (const line of group.flowTuples) {
        const f = line.split(",");
        if (f[4] !== "25" || (f[5] !== "T" && f[5] !== "6") || f[6] !== "I" || f[7] === "D") continue;
        tuples++;
        if (f.length === 13) bytes += Number(f[10]) + Number(f[12]);
      }
console.log(tuples, bytes);
