package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Take takes a file, which it makes where it is missing, for this process until it is closed, or the process ends in whatever way. The error is ErrTaken, or
// errors.ErrUnsupported where the system has no such thing.
func Take(name string) (*os.File, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	const sharingViolation = syscall.Errno(32)
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case err == sharingViolation: //nolint:errorlint // a number of the system's
		return nil, ErrTaken
	case err != nil:
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

// Lock takes no file here that is open already: errors.ErrUnsupported.
func Lock(*os.File) error { return errors.ErrUnsupported }
