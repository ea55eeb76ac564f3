//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package filelock

import (
	"errors"
	"os"
)

// Take has no way here to take a file that a process that dies gives back: errors.ErrUnsupported.
func Take(string) (*os.File, error) { return nil, errors.ErrUnsupported }

// Lock has no way, either.
func Lock(*os.File) error { return errors.ErrUnsupported }
