// Package coverage holds the tables of the protocols' conformance checklists, in
// docs/coverage.md, against the tests.
//
// A table has a row for each number: what it states, whether that is served or
// why not, and the tests that prove it. Tests cite numbers in comments and in
// strings; a row names all that cite it. The command in cmd/coverage prints the
// rows and writes the tests' column:
//
//	go run ./internal/coverage/cmd/coverage     # or make coverage
//	go run ./internal/coverage/cmd/coverage -w
//
// What cites a number is a test, or something that a test uses: a scenario, a row
// of a table, a check. Such a thing stands for the tests that come to it, and under
// its own name where these are more than two.
//
// It does not know whether a test proves what it cites. Nor does it run any.
package coverage
