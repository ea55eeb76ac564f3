package usage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Process is one that is measured.
type Process interface {
	// CPU is the processor time that it has used since it began.
	CPU() (time.Duration, error)
	// Resident is the memory that it has, in bytes; 0 when it has ended.
	Resident() (int64, error)
}

// Group is processes that are measured together.
type Group struct {
	Name      string
	Processes []Process
}

// Reading is what groups have used up to a moment, and hold at it.
type Reading struct {
	At     time.Time
	Groups []Used
}

// Used is the part of one group.
type Used struct {
	Name      string
	Processes int
	CPU       time.Duration
	Resident  int64 // bytes, of all of them together; what they share counts for each
}

// Read reads the present state of groups.
func Read(groups []Group) (r Reading, err error) {
	r.At = time.Now()
	for _, g := range groups {
		u := Used{Name: g.Name, Processes: len(g.Processes)}
		for _, p := range g.Processes {
			cpu, errCPU := p.CPU()
			resident, errResident := p.Resident()
			if err := errors.Join(errCPU, errResident); err != nil {
				return r, fmt.Errorf("of %s: %w", g.Name, err)
			}
			u.CPU += cpu
			u.Resident += resident
		}
		r.Groups = append(r.Groups, u)
	}
	return r, nil
}

// Since is what groups have used from an earlier reading of the same ones on, and hold now.
func (r Reading) Since(before Reading) []Used {
	used := append([]Used(nil), r.Groups...)
	for i := range used {
		used[i].CPU -= before.Groups[i].CPU
	}
	return used
}

// PID is a process by its number.
type PID int

// Self is this process.
func Self() PID { return PID(os.Getpid()) }

// tick is the unit of times in /proc, which Linux has fixed for programs.
const tick = 10 * time.Millisecond

// CPU is that of Process: proc_pid_stat(5), fields 14 and 15.
func (p PID) CPU() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
	if err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	// The second field is a name in parentheses, which may hold anything.
	rest := string(text)
	fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("processor time: %q", text)
	}
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, errors.Join(errUser, errSystem)
}

// Resident is that of Process: Rss of proc_pid_smaps(5).
func (p PID) Resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kilobytes); err == nil {
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("memory: no Rss in %q", text)
}

// LoadAverage is how busy the machine was in the last minute, by anybody: proc_loadavg(5).
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
