//go:build !linux

package poll

import "errors"

// There are no bare sockets here: every connection is a net.Conn.

func socketRead(int, []byte) (int, error)    { return 0, errors.ErrUnsupported }
func socketWrite(int, [][]byte) (int, error) { return 0, errors.ErrUnsupported }
func socketHalfClose(int) error              { return errors.ErrUnsupported }
func socketError(int) error                  { return errors.ErrUnsupported }
func socketClose(int)                        {}
