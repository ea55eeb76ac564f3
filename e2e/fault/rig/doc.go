// Package rig runs a whole cluster as processes of this machine: three nats-servers
// whose streams have three replicas, a redis-server, three edges and two routers. It
// does to them what breaks clusters: signals, cuts of the network between them, delays on
// the way of one edge, and jumps of Redis's clock.
//
// Where network namespaces can be made (Linux, root, ip and nft), each process has one
// of its own, joined to one bridge by a veth pair; this process reaches all of them.
// Elsewhere the processes share the loopback network, and nothing can be cut.
//
// One edge, SlowEdge, reaches the brokers and Redis through a proxy of its own, toxiproxy,
// in its namespace. Brokers tell clients of no other brokers, so that nothing goes round
// it. What is done to the edge does not concern the proxy; when that ends by itself, the
// rig is broken, and Close says so.
//
// A process that ends by itself is reported, and started again after a second, as a
// cluster's scheduler would. Everything that was started, and every namespace, is gone
// after Close, and the processes with this one even when it is killed.
package rig
