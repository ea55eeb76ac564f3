//go:build !race

package e2e

// raced tells how the tests are built, and so the processes.
const raced = false
