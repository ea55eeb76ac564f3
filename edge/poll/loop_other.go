//go:build !linux

package poll

func newPoller() (poller, error) { return newChannelPoller(), nil }
