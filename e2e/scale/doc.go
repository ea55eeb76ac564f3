// Package scale scales a cluster of real processes out and in again, under its clients: what an autoscaler
// does, and what it would decide. Everything in it is tests; `make scale SESSIONS=5000` has more clients.
//
// The clients are those of lime/client, behind a balancer that takes turns among the edges that take
// connections: half of those who are told to come back elsewhere come back to an edge that has too many
// sessions already, when as many edges have joined as there were.
//
// What Kubernetes is told stands in k8s/ alone, and is read from there: the autoscaler's target, bounds and
// behaviour, the query of prometheus-adapter, and how long a pod has to end.
package scale
