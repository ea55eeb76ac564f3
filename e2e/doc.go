// Package e2e holds the whole system to its promises: real edges and routers, a
// real redis-server and a real nats-server, each a process of its own, and real
// clients: lime-js from npm and lime-go over TCP, each driven over a pipe (js/driver.js,
// limego), and Go's of this process. Each scenario is written once and runs with all of
// them, and with one of one and one of another. What the applications of a chat platform
// do runs with those of lime-js and of blip-sdk (js/blip.js).
//
// What breaks a cluster has a cluster of its own: a killed edge, an emptied Redis, a
// broker that restarts. All processes end with the tests, even when those are
// killed; their logs are shown when a test fails.
//
// Numbers such as L-SES-11 are the rules of the protocol's conformance checklist.
package e2e
