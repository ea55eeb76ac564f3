package servers

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"

	"limegrove/loadtest/measure"
)

// Kind is a kind of server.
type Kind interface {
	// Protocol is the name of the adapter that its clients speak by.
	Protocol() string
	// Prepare finds or builds what it needs, once and before all else; what it builds goes
	// into the folder dir. An error says what is missing.
	Prepare(ctx context.Context, dir string) error
	// Start starts one, with its logs and stores in the folder dir, and waits until it takes
	// clients. Each time it has an address that was never used, so that what the system still
	// holds for one that has ended is not in the way.
	Start(ctx context.Context, dir string) (*Server, error)
}

// Server is one that runs.
type Server struct {
	measure.Target
	// Close ends it and waits for its end.
	Close func()
}

// hosts counts the loopback addresses that were given away.
var hosts atomic.Uint32

// newAddress is a loopback address that neither clusters nor workers of this process have, nor
// other processes, with a port that is free everywhere: some servers listen on all addresses.
func newAddress() (netip.AddrPort, error) {
	ln, err := net.Listen("tcp4", ":0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer ln.Close()
	host := netip.AddrFrom4([4]byte{127, byte(1 + os.Getpid()%250), 0, byte(hosts.Add(1)%254 + 1)})
	return netip.AddrPortFrom(host, uint16(ln.Addr().(*net.TCPAddr).Port)), nil
}

// missing wraps what is to be installed.
func missing(program string, err error) error {
	return fmt.Errorf("%s is not installed: %w", program, err)
}
