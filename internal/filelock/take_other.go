//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package spool

import (
	"errors"
	"os"
)

// lock has no way here to take a file that a process that dies gives back.
func lock(string) (*os.File, error) { return nil, errors.ErrUnsupported }
