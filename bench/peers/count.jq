# Counts what a flow log allowed in on TCP port 25: tuples and bytes. Only lines with ",25," in them are taken apart.
reduce (.records[] | (.properties // .flowRecords).flows[] | (.flows // .flowGroups)[] | .flowTuples[]
    | select(contains(",25,")) | split(",")
    | select(.[4] == "25" and (.[5] == "T" or .[5] == "6") and .[6] == "I" and .[7] != "D")) as $f
  ([0, 0]; [.[0] + 1, .[1] + (($f[10] // "" | tonumber? // 0) + ($f[12] // "" | tonumber? // 0))])
| "\(.[0]) \(.[1])"
