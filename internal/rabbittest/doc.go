// Package rabbittest starts a real rabbitmq-server for tests. It listens on loopback, with an
// epmd of its own, keeps its files in the test's temporary folder, and ends with the test; no
// service of the system is touched. One takes about five seconds to start, so that tests of a
// package share it. A test that needs it fails when it is not installed; it never skips.
package rabbittest
