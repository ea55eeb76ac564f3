package measure

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"limegrove/loadtest/fleet"
)

// sourcesOfWorker is how many loopback addresses a worker's clients come from: one has 28,000 ports
// as systems are, and finding a free one is slow when there are few.
const sourcesOfWorker = 4

// sources returns the addresses of each worker, away from those that servers of a cluster have, or
// nil when the servers are not all on this machine's loopback network.
func sources(servers []netip.AddrPort) func(worker int) []netip.Addr {
	for _, s := range servers {
		if !s.Addr().IsLoopback() || !s.Addr().Is4() {
			return nil
		}
	}
	return func(worker int) []netip.Addr {
		all := make([]netip.Addr, sourcesOfWorker)
		for i := range all {
			all[i] = netip.AddrFrom4([4]byte{127, byte(1 + os.Getpid()%250), byte(128 + worker), byte(1 + i)})
		}
		return all
	}
}

// maxWorkers is how many have addresses of their own.
const maxWorkers = 127

// ours are descriptors of a worker that are no clients.
const ours = 64

// checkSystem says what is too small for a plan, before something fails in the middle of it.
func checkSystem(p *fleet.Plan, workers int) error {
	if workers > maxWorkers {
		return fmt.Errorf("%d clients need %d workers, and there can be %d", p.Clients, workers, maxWorkers)
	}
	each := (p.Clients + workers - 1) / workers
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && files.Max < uint64(each+ours) {
		return fmt.Errorf("a worker with %d clients needs more than the %d descriptors that ulimit -Hn allows: give -workers, or raise it", each, files.Max)
	}
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil && sources(p.Servers) == nil {
		var from, to int
		if _, err := fmt.Sscan(string(text), &from, &to); err == nil && to-from < p.Clients/len(p.Servers) {
			return fmt.Errorf("net.ipv4.ip_local_port_range has %d ports, and one address needs %d for each server: sysctl -w net.ipv4.ip_local_port_range='1024 65535', or more servers", to-from, p.Clients/len(p.Servers))
		}
	}
	for _, need := range []struct {
		path, name string
		least      int
		of         string
	}{
		{"/proc/sys/fs/file-max", "fs.file-max", 2*p.Clients + 1000, "both ends of every client"},
		{"/proc/sys/net/core/somaxconn", "net.core.somaxconn", min(p.AtOnce, p.Clients) / len(p.Servers), "the clients that connect at once"},
	} {
		text, err := os.ReadFile(need.path)
		if err != nil {
			continue // another system
		}
		if have, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && have < need.least {
			return fmt.Errorf("%s is %d, and %d are needed for %s: sysctl -w %s=%d", need.name, have, need.least, need.of, need.name, need.least)
		}
	}
	return nil
}
