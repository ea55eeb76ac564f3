// Package filelock takes files for one process at a time.
package filelock

import "errors"

// ErrTaken says that another process has the file, or this one by another Take.
var ErrTaken = errors.New("another process has it")
