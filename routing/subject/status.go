package subject

import "limegrove/presence"

const rootStatus = "status."

// Status is where all members are asked how they do. No incarnation has this subject: those have two tokens more.
const Status = rootStatus + "ask"

// Ignored is where edges are told from whom they take nothing. It is no incarnation's either.
const Ignored = rootStatus + "ignored"

// Order is where one member is told what somebody on the status page asks of it.
func Order(e presence.EdgeID) string { return rootStatus + string(e) + ".do" }

// Connectors is where edges are asked who of the connectors of aioconnectors is connected to them.
const Connectors = rootStatus + "connectors"
