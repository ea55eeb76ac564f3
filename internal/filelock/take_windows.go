package spool

import (
	"os"
	"syscall"
)

// lock takes a file for this process until it is closed, or the process ends in whatever way.
func lock(name string) (*os.File, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	const sharingViolation = syscall.Errno(32)
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case err == sharingViolation: //nolint:errorlint // a number of the system's
		return nil, ErrInUse
	case err != nil:
		return nil, err
	}
	return os.NewFile(uintptr(h), name), nil
}
