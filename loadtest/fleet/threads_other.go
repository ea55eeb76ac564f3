//go:build !linux

package fleet

import "errors"

// giveWay does nothing: attackers take the processor from others.
func giveWay() error { return nil }

// Apart is for Linux.
func Apart() (other int, err error) { return 0, errors.New("processors can be chosen on Linux alone") }

func runOnOne(int) error { return errors.New("processors can be chosen on Linux alone") }

// On is for Linux.
func On(int, func() error) error { return errors.New("processors can be chosen on Linux alone") }
