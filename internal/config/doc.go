// Package config reads the command lines of edge and router.
//
// Each command has one struct. Its fields are bound once to flags; the same
// names are environment variables and keys of a YAML file:
//
//	-max-envelope 65536           the flag
//	LIMEGROVE_MAX_ENVELOPE=65536  the environment
//	max-envelope: 65536           the file given by -config
//
// A flag beats the environment, which beats the file, which beats the default.
// An empty environment variable counts as absent. A flag that takes several
// values may be repeated, or takes them separated by commas; a file may have a
// list. The strongest source that names a flag gives all of its values.
//
// What is returned has been validated and is not changed afterwards. Every
// error is one line that names the flag, and is the user's fault: bad usage. It
// never repeats a value that may hold a secret (URLs, keys).
//
// Limits that are zero here mean "no limit"; what a package's own Config makes
// of zero is for cmd to map.
package config
