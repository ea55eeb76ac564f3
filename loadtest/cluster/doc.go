// Package cluster starts a whole cluster as processes of this machine, with real nats-servers and a
// real redis-server, so that a load can be put on it: each process at a loopback address of its own,
// with the usual ports.
package cluster
