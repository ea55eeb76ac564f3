// Package fault runs a cluster under a workload, breaks it in all ways that it knows,
// heals it and has the recorded history judged.
//
// # What a run proves
//
// That for one seed, and the interleavings that one run of it had, clients got what they
// were promised (package checker): what was accepted was delivered, in order, once to a
// session, to whom it was for, and service was back soon after the last fault. The
// processes are the real ones, so are the signals, and, where network namespaces can be
// made, the cuts. The checker knows nothing but what clients said and saw.
//
// # What it cannot prove
//
// That nothing is ever lost: a seed fixes the schedule of faults and the cast of clients,
// not what the kernel, the network and three brokers make of it, so that a second run of
// a seed is another sample and not the same one. All processes share one machine: its
// page cache survives what a power cut would not, its clock is one but for Redis's, and its
// disk does not break. Cuts are of edges and brokers; clients reach their edges always. Nobody
// lies: clients and processes are slow, dead or cut off, and never hostile.
//
// # The parts
//
// rig runs the processes and the network, inject the faults, workload the clients;
// history is what they write and checker who reads it. cmd/fault is the driver and
// cmd/check the checker, each as a program.
package fault
