// Package clienttest is a server of LIME for tests of programs that use package client:
// in this process, in memory, for guests over WebSocket. It hands messages, notifications
// and commands to the node or the identity that they are for, says accepted for what has
// an id, and keeps nothing for who is away. It is no example of a server. Proxy is an HTTP proxy
// for the way to it.
package clienttest
