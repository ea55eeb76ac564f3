// Package embedded runs a NATS server with JetStream and a Redis inside the
// process, for an edge that is started with nothing else around.
//
// Both listen on loopback, without a password, so that a second edge or a tool on
// the same machine can join; everybody who has an account there can, too. They
// prefer the ports that everyone knows, and take any free one when those are taken:
// the URL tells.
//
// NATS keeps its streams on disk, in a folder that belongs to one process at a
// time. Redis keeps all in memory and forgets it at the end, which the cluster can
// bear: nothing there is the only copy.
//
// It is a whole server for a small installation and for trying things out. It does
// not cluster; production runs NATS and Redis of its own.
package embedded
