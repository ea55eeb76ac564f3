//go:build race

package e2e

// raceFlag builds the processes as the tests are built.
const raceFlag = "-race=true"
