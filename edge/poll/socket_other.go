//go:build !linux

package poll

import (
	"errors"
	"net"
)

// There are no bare sockets here: every connection is a net.Conn.

func socketRead(int, []byte) (int, error)    { return 0, errors.ErrUnsupported }
func socketWrite(int, [][]byte) (int, error) { return 0, errors.ErrUnsupported }
func socketHalfClose(int) error              { return errors.ErrUnsupported }
func socketError(int) error                  { return errors.ErrUnsupported }
func socketClose(int)                        {}
func socketConn(int) (net.Conn, error)       { return nil, errors.ErrUnsupported }

func socketAcknowledged(int) (acknowledged, outstanding uint64, ok bool) { return 0, 0, false }
