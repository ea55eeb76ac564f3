//go:build linux || darwin

package embedded

import (
	"math"

	"golang.org/x/sys/unix"
)

// diskSpace returns how many bytes a folder's disk has for us, and how many it has in
// all.
func diskSpace(dir string) (free, size int64, err error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, 0, err
	}
	block := uint64(fs.Bsize)
	return int64(min(fs.Bavail*block, math.MaxInt64)), int64(min(fs.Blocks*block, math.MaxInt64)), nil
}
