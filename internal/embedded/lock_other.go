//go:build !unix

package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// lockFile takes path for this process until unlock. Without flock the file itself
// is the lock: after a crash it has to be removed by hand.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w (or %s is left from a crash: remove it)", ErrDirInUse, path)
	}
	if err != nil {
		return nil, err
	}
	return func() {
		_ = f.Close()
		_ = os.Remove(path)
	}, nil
}
