package measure

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where something was measured.
type Machine struct {
	System    string `json:"system"` // and its release
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory"` // bytes
	Go        string `json:"go"`
}

// String describes it in a line.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s of memory, %s, %s", m.Processor, m.Cores, Bytes(m.Memory), m.System, m.Go)
}

// ThisMachine describes this one. What cannot be found out is left out.
func ThisMachine() Machine {
	m := Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version()}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += " " + strings.TrimSpace(string(release))
	}
	m.Processor = field("/proc/cpuinfo", "model name")
	kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	m.Memory = kilobytes << 10
	return m
}

// field is the first value of a name in a file of such lines; "" when there is none.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
