package spool

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config is how much is kept, and how safely. In numbers and times zero means the default, and
// negative none.
type Config struct {
	// Limit bounds all that is kept. Default 65,536 messages and 64 MiB.
	Limit Limit

	// Types bounds media types by themselves, within Limit: in lower case, without parameters. In
	// these a zero is no bound of its own, and a negative Count keeps nothing of the type. "" is all
	// types together that are not named.
	Types map[string]Limit

	// SyncEach has Put wait until the disk has the message, so that a power cut costs nothing that Put
	// has returned for. It costs a sync each: 0.2 ms on a good disk, 10 ms on a turning one or a
	// memory card; who calls at the same time shares one. Without it Put costs some microseconds.
	SyncEach bool

	// SyncEvery is how long what was put may wait for the disk without SyncEach: what a power cut
	// costs. Nothing is synced when nothing has come. A negative one leaves it to the system, which is
	// some 30 s on Linux. Default 1s.
	SyncEvery time.Duration
}

// Limit is how much may be kept.
type Limit struct {
	Count int   // messages
	Bytes int64 // of their texts; on disk it is twice that at most, and two files of 64 KiB to 8 MiB
}

func (c Config) withDefaults() (Config, error) {
	if c.Limit.Count == 0 {
		c.Limit.Count = 1 << 16
	}
	if c.Limit.Bytes == 0 {
		c.Limit.Bytes = 64 << 20
	}
	if c.SyncEvery == 0 {
		c.SyncEvery = time.Second
	}
	if c.Limit.Count < 0 || c.Limit.Bytes < 0 {
		return c, errors.New("a negative Limit")
	}
	for name, l := range c.Types {
		if name != strings.ToLower(name) || strings.ContainsAny(name, "; ") {
			return c, fmt.Errorf("the media type %q of Types is not in lower case without parameters", name)
		}
		if l.Bytes < 0 {
			return c, fmt.Errorf("the limit of %q has negative Bytes", name)
		}
	}
	return c, nil
}

// fileSize is about how long a file gets.
func (c *Config) fileSize() int64 { return min(max(c.Limit.Bytes/16, 64<<10), 8<<20) }

// of returns the limit of a media type, and the name that it is counted under.
func (c *Config) of(mediaType string) (Limit, string) {
	if l, ok := c.Types[mediaType]; ok {
		return l, mediaType
	}
	return c.Types[""], ""
}
