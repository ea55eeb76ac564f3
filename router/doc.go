// Package router is the stateless worker of a cluster: it answers the commands that
// are addressed to a domain's server, verifies passwords, and removes from Redis what
// dead edges have left there.
//
// There may be any number of routers; they share the work by NATS queue groups and
// keep nothing of their own, so each may come and go at any time. An envelope
// between two people never waits for one.
//
// The package wires: package routing brings commands and logins, packages resource
// and auth answer them, package account and JetStream keep what lasts.
package router
