/*
 * log_text.h - small flow logs of every shape, as literals for tests.
 */
#ifndef NSF_TEST_LOG_TEXT_H
#define NSF_TEST_LOG_TEXT_H

#define NSG_ID "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/MAIL-NSG"
#define VNET_LOG "/SUBSCRIPTIONS/S/RESOURCEGROUPS/NW/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/W/FLOWLOGS/F"
#define ACL "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/mail-nsg"

/* One mail tuple, one contact, one that matters to nobody, one outgoing mail; 4 tuples. */
#define TUPLES_1                                                                                                       \
    "\"1542110377,198.51.100.7,10.0.0.4,40000,25,T,I,A\",\"1542110378,198.51.100.8,10.0.0.4,40001,3389,T,I,D\","       \
    "\"1542110379,10.0.0.4,203.0.113.9,40002,443,T,O,A\",\"1542110380,10.0.0.4,203.0.113.10,40003,25,T,O,A\""
#define TUPLES_2                                                                                                       \
    "\"1542110377,198.51.100.7,10.0.0.4,40000,25,T,I,A,E,11,2232,9,900\","                                             \
    "\"1542110378,198.51.100.8,10.0.0.4,40001,3389,T,I,D,B,,,,\",\"1542110379,10.0.0.4,203.0.113.9,40002,443,T,O,A,"   \
    "B,,,,\",\"1542110380,10.0.0.4,203.0.113.10,40003,25,T,O,A,B,,,,\""
#define TUPLES_4                                                                                                       \
    "\"1663146003606,198.51.100.7,10.0.0.4,40000,25,6,I,E,NX,11,2232,9,900\","                                         \
    "\"1663146003607,198.51.100.8,10.0.0.4,40001,3389,6,I,D,NX,0,0,0,0\",\"1663146003608,10.0.0.4,203.0.113.9,40002,"  \
    "443,6,O,B,NX,0,0,0,0\",\"1663146003609,2001:db8::4,2001:db8::25,40003,25,6,O,B,NX,0,0,0,0\""

#define HEAD(time, version) /* of an NSG record, up to its flows */                                                    \
    "{\"time\":\"" time "\",\"systemId\":\"s\",\"macAddress\":\"000D3AF87856\",\"category\":"                          \
    "\"NetworkSecurityGroupFlowEvent\",\"resourceId\":\"" NSG_ID "\",\"operationName\":"                               \
    "\"NetworkSecurityGroupFlowEvents\",\"properties\":{\"Version\":" version ",\"flows\":["
#define TIME "2018-11-13T12:00:35.3899262Z"
#define GROUP(rule, tuples) "{\"rule\":\"" rule "\",\"flows\":[{\"mac\":\"000D3AF87856\",\"flowTuples\":[" tuples "]}]}"

#define RECORD_1 HEAD(TIME, "1") GROUP("UserRule_smtp", TUPLES_1) "]}}"
#define RECORD_2 HEAD(TIME, "2") GROUP("UserRule_smtp", TUPLES_2) "," GROUP("DefaultRule_DenyAllInBound", "") "]}}"
#define RECORD_4                                                                                                       \
    "{\"time\":\"2022-09-14T09:00:52.5625085Z\",\"flowLogVersion\":4,\"flowLogGUID\":\"g\",\"macAddress\":"            \
    "\"00224871C205\",\"category\":\"FlowLogFlowEvent\",\"flowLogResourceID\":\"" VNET_LOG "\",\"targetResourceID\":"  \
    "\"t\",\"operationName\":\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":[{\"aclID\":\"" ACL                       \
    "\",\"flowGroups\":[{\"rule\":\"UserRule_smtp\",\"flowTuples\":[" TUPLES_4 "]}]}]}}"
/* The same with its keys sorted: tuples before everything that says what they are. */
#define RECORD_4_SORTED                                                                                                \
    "{\"flowLogGUID\":\"g\",\"flowRecords\":{\"flows\":[{\"flowGroups\":[{\"flowTuples\":[" TUPLES_4                   \
    "],\"rule\":\"UserRule_smtp\"}],\"aclID\":\"" ACL "\"}]},\"flowLogVersion\":4,\"flowLogResourceID\":\"" VNET_LOG   \
    "\",\"macAddress\":\"00224871C205\",\"time\":\"2022-09-14T09:00:52.5625085Z\",\"category\":\"FlowLogFlowEvent\"}"
#define RECORD_1_NO_MAC                                                                                                \
    "{\"time\":\"" TIME "\",\"category\":\"NetworkSecurityGroupFlowEvent\",\"resourceId\":\"" NSG_ID                   \
    "\",\"properties\":{\"Version\":1,\"flows\":[" GROUP("UserRule_smtp", TUPLES_1) "]}}"
#define RECORD_FOREIGN                                                                                                 \
    "{\"time\":\"" TIME "\",\"category\":\"AuditEvent\",\"resourceId\":\"/X\",\"identity\":{\"claim\":{\"category\":"  \
    "\"no\"}},\"properties\":{\"id\":\"x\",\"list\":[{\"category\":\"no\"}]}}"

#define WRAP(records) "{\"records\":[" records "]}"

#endif
