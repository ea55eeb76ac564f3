package client

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Ticker wakes somebody up, to some ten microseconds: the runtime's own timers of an idle process
// are as coarse as a millisecond, which is more than most messages take.
type Ticker struct{ file *os.File }

// NewTicker makes a ticker that does not tick yet.
func NewTicker() (*Ticker, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &Ticker{file: os.NewFile(uintptr(fd), "timer")}, nil
}

// Set has it tick once, after a time that is positive, instead of whenever it would have.
func (t *Ticker) Set(after time.Duration) error {
	raw, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(after))}
	var setting error
	err = raw.Control(func(fd uintptr) { setting = unix.TimerfdSettime(int(fd), 0, &spec, nil) })
	if err == nil {
		err = setting
	}
	if err != nil {
		return fmt.Errorf("set a timer: %w", err)
	}
	return nil
}

// Wait waits for the next tick, or returns at once when one has passed. The error matches
// os.ErrClosed after Close.
func (t *Ticker) Wait() error {
	var ticks [8]byte
	_, err := t.file.Read(ticks[:])
	return err
}

// Close ends a Wait that is under way.
func (t *Ticker) Close() error { return t.file.Close() }
