//go:build !linux && !darwin

package embedded

import "errors"

// diskSpace is not known here.
func diskSpace(string) (free, size int64, err error) { return 0, 0, errors.ErrUnsupported }
