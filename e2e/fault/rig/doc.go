// Package rig runs a whole cluster as processes of this machine: three nats-servers
// whose streams have three replicas, a redis-server, three edges and two routers. It
// does to them what breaks clusters: signals, and cuts of the network between them.
//
// Where network namespaces can be made (Linux, root, ip and nft), each process has one
// of its own, joined to one bridge by a veth pair; this process reaches all of them.
// Elsewhere the processes share the loopback network, and nothing can be cut.
//
// A process that ends by itself is reported, and started again after a second, as a
// cluster's scheduler would. Everything that was started, and every namespace, is gone
// after Close, and the processes with this one even when it is killed.
package rig
