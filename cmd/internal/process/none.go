package process

import "time"

// OrNone maps the command line's 0, which is none, to a package's.
func OrNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
