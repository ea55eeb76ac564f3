//go:build !linux

package nowait

import "net"

// Conn returns c: only for Linux is there anything to gain.
func Conn(c net.Conn) net.Conn { return c }
