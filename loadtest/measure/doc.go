// Package measure runs a scenario against servers and says what it has cost: it starts the workers,
// has them open their clients and begin, and reads what every process has used meanwhile.
package measure
