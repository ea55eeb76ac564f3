// Package arch holds who may import whom, as a table, and tests that it is so.
//
// Imports point down: lime knows nobody, cmd knows everybody, and in between a
// package declares as small interfaces what it needs of its siblings. An
// outside library stays in the package that is there to use it, so that it can
// be replaced, and so that a reader knows where to look.
//
// What the docs name, flags and metrics and tests, is held against the code as well.
//
// There is no code to import here; table_test.go is what to read and to change.
package arch
