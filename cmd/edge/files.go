package main

import (
	"fmt"
	"math"
	"syscall"
)

// What a process opens besides its clients' connections: to NATS, Redis and the other
// members, for the admin pages and the embedded stores, and for refusals under way. A
// process with room for many has more of all that.
const (
	filesKept     = 128
	filesKeptMost = 4096
	filesKeptPart = 8 // one in so many
)

// maxSessions is how many connections an edge may have: as many as given, or when that
// is 0, as the system's limit of open files leaves.
func maxSessions(given int) (int, error) {
	if given > 0 {
		return given, nil
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return 0, fmt.Errorf("-max-sessions: ask for the limit of open files: %w", err)
	}
	return sessionsWithin(files.Cur), nil
}

// sessionsWithin is how many connections fit into a limit of open files.
func sessionsWithin(files uint64) int {
	kept := min(max(files/filesKeptPart, filesKept), filesKeptMost)
	if files <= kept {
		return 1
	}
	return int(min(files-kept, math.MaxInt32))
}
