// Package redistest starts real redis-server processes for tests: single ones,
// and clusters with replicas. They listen on loopback, keep their files in the
// test's temporary folder and end with the test. A test that needs them fails
// when redis-server is not installed; it never skips.
package redistest
