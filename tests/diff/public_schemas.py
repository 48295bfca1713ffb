"""What the public specifications of SARIF 2.1.0 and OCSF 1.8.0 ask of the parts that nsgflow writes.

Written from the specifications, for jsonschema: required members, types, enumerations. Members that are not listed
here are not allowed: a misspelt one is found.
"""


def closed(properties, required=()):
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def listed(items, **bounds):
    return {"type": "array", "items": items, **bounds}


TEXT = {"type": "string"}
FILLED = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}

# ---- SARIF 2.1.0: docs.oasis-open.org/sarif/sarif/v2.1.0 ------------------------------------------------------------

MESSAGE = closed({"text": FILLED}, ["text"])
LEVEL = {"enum": ["none", "note", "warning", "error"]}
ARTIFACT_LOCATION = closed({"uri": {"type": "string", "format": "uri-reference", "minLength": 1}, "uriBaseId": TEXT})
PHYSICAL_LOCATION = closed({
    "artifactLocation": ARTIFACT_LOCATION,
    "region": closed({"startLine": {"type": "integer", "minimum": 1}}, ["startLine"]),
}, ["artifactLocation"])
LOCATION = closed({
    "physicalLocation": PHYSICAL_LOCATION,
    "logicalLocations": listed(closed({"name": TEXT, "fullyQualifiedName": TEXT, "kind": TEXT}), minItems=1),
})
SARIF_RULE = closed({
    "id": FILLED, "name": FILLED, "shortDescription": MESSAGE, "fullDescription": MESSAGE, "help": MESSAGE,
    "defaultConfiguration": closed({"level": LEVEL}),
    # what code scanning of GitHub reads: a number in a string, 0.0 to 10.0, and the words of `precision`
    "properties": closed({
        "tags": listed(TEXT, uniqueItems=True),
        "precision": {"enum": ["very-high", "high", "medium", "low"]},
        "security-severity": {"type": "string", "pattern": r"^(10\.0|[0-9]\.[0-9])$"},
    }),
}, ["id"])
RESULT = closed({
    "ruleId": FILLED, "ruleIndex": COUNT, "level": LEVEL, "message": MESSAGE,
    "rank": {"type": "number", "minimum": 0, "maximum": 100},
    "locations": listed(LOCATION, minItems=1, maxItems=1),
    "partialFingerprints": {"type": "object", "minProperties": 1, "additionalProperties": FILLED},
    "properties": {"type": "object"},
}, ["ruleId", "message", "locations", "partialFingerprints"])
NOTIFICATION = closed({"level": LEVEL, "message": MESSAGE, "descriptor": closed({"id": FILLED}),
                       "locations": listed(LOCATION)}, ["message"])
SARIF = closed({
    "$schema": {"type": "string", "format": "uri"},
    "version": {"const": "2.1.0"},
    "runs": listed(closed({
        "tool": closed({"driver": closed({
            "name": {"const": "nsgflow"}, "version": FILLED,
            "semanticVersion": {"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
            "rules": listed(SARIF_RULE, minItems=1),
        }, ["name"])}, ["driver"]),
        "automationDetails": closed({"id": {"type": "string", "pattern": "^nsgflow/(scan|review)/$"}}),
        "invocations": listed(closed({"executionSuccessful": {"type": "boolean"},
                                      "toolExecutionNotifications": listed(NOTIFICATION)}, ["executionSuccessful"])),
        "results": listed(RESULT),
    }, ["tool", "results"]), minItems=1, maxItems=1),
}, ["version", "runs"])

# ---- OCSF 1.8.0: schema.ocsf.io/1.8.0 -------------------------------------------------------------------------------

TIME = {"type": "integer", "minimum": 0}
EVENT = {
    "category_uid": {"const": 2}, "category_name": {"const": "Findings"},
    "activity_id": {"enum": [1, 2, 3]}, "activity_name": {"enum": ["Create", "Update", "Close"]},
    "severity_id": {"enum": [0, 1, 2, 3, 4, 5, 6, 99]}, "severity": TEXT,
    "status_id": {"enum": [0, 1, 2, 3, 4, 5, 6, 99]}, "status": TEXT,
    "class_uid": COUNT, "class_name": TEXT, "type_uid": COUNT, "type_name": TEXT, "time": TIME, "message": TEXT,
    "metadata": closed({
        "version": {"const": "1.8.0"}, "profiles": listed({"enum": ["cloud"]}),
        "product": closed({"name": TEXT, "vendor_name": TEXT, "version": TEXT}),
    }, ["version", "product"]),
    # the cloud profile asks for it
    "cloud": closed({"provider": FILLED, "account": closed({"uid": FILLED}, ["uid"])}, ["provider"]),
    "finding_info": closed({"uid": FILLED, "title": FILLED, "desc": TEXT, "first_seen_time": TIME,
                            "last_seen_time": TIME}, ["uid"]),
    "resources": listed(closed({"uid": TEXT, "name": TEXT, "type": TEXT, "owner": closed({"name": FILLED})}),
                        minItems=1),
    "unmapped": {"type": "object"},
}
EVENT_REQUIRED = ["activity_id", "category_uid", "class_uid", "cloud", "finding_info", "metadata", "severity_id", "time",
                  "type_uid"]
COMPLIANCE_FINDING = closed({
    **EVENT, "class_uid": {"const": 2003}, "class_name": {"const": "Compliance Finding"},
    "compliance": closed({"control": FILLED, "status_id": {"enum": [0, 1, 2, 3, 99]},
                          "status": {"enum": ["Unknown", "Pass", "Warning", "Fail"]}, "status_code": TEXT}),
}, EVENT_REQUIRED + ["compliance"])
DETECTION_FINDING = closed({
    **EVENT, "class_uid": {"const": 2004}, "class_name": {"const": "Detection Finding"},
    "is_alert": {"type": "boolean"}, "confidence_id": {"enum": [0, 1, 2, 3, 99]},
    "confidence": {"enum": ["Unknown", "Low", "Medium", "High"]}, "risk_score": COUNT,
    "start_time": TIME, "end_time": TIME, "remediation": closed({"desc": FILLED}, ["desc"]),
    # an evidence has at least one of the objects that the schema lists; ours is the endpoint
    "evidences": listed(closed({"src_endpoint": closed({"ip": FILLED, "name": FILLED}, ["ip"]),
                                "data": {"type": "object"}}, ["src_endpoint"]), minItems=1),
}, EVENT_REQUIRED)
OCSF = listed({"anyOf": [COMPLIANCE_FINDING, DETECTION_FINDING]})
