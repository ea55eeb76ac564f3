package rig

import (
	"fmt"
	"net"
	"os/exec"
)

// network is where the processes have their addresses.
type network interface {
	// add returns the address of a new process.
	add(process string) (host string, err error)
	// command is a program that runs as that process.
	command(process, program string, args ...string) *exec.Cmd
	// set replaces what is cut between processes.
	set(cuts []Cut) error
	close() error
}

// loopback is the network that all processes share. Nothing can be cut in it.
type loopback struct {
	prefix byte // 127.prefix.0.x
	next   byte
}

func newLoopback(tag int) *loopback { return &loopback{prefix: byte(1 + tag%250)} }

func (l *loopback) add(string) (string, error) {
	l.next++
	return net.IPv4(127, l.prefix, 0, l.next).String(), nil
}

func (l *loopback) command(_, program string, args ...string) *exec.Cmd {
	return exec.Command(program, args...) //nolint:gosec,noctx // our own programs, ended by signals
}

func (l *loopback) set(cuts []Cut) error {
	if len(cuts) > 0 {
		return fmt.Errorf("cut %s: there are no network namespaces", cuts[0])
	}
	return nil
}

func (l *loopback) close() error { return nil }
