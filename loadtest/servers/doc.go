// Package servers starts servers of different kinds as processes of this machine, so that the
// same load can be put on each.
//
// A kind that is one program is a value of [Command]: nats.go and mosquitto.go are the examples to
// follow. One that is more has a type of its own with the methods of [Kind], as limegrove.go has.
// Either gets its name in the table of kinds.go. What its clients speak is an adapter's, see package
// loadtest/protocol.
package servers
