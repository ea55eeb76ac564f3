package config

import (
	"fmt"
	"strings"
)

// StreamFlags are the flags, with their values, that every process has to be given
// because the streams were not made with the defaults. Without them it would not start.
// The number of partitions needs none, since a process finds it recorded.
func (s Shared) StreamFlags() (flags []string) {
	var usual Shared
	b := newBinder("", "")
	b.group("")
	b.stores(&usual, "")
	b.files(&usual.Files)
	if len(s.Events) > 0 {
		flags = append(flags, "-events "+strings.Join(s.Events, ","))
	}
	for _, f := range []struct {
		name        string
		value, than any
	}{
		{"duplicate-window", s.DuplicateWindow, usual.DuplicateWindow},
		{"message-lifetime", s.MessageLifetime, usual.MessageLifetime},
		{"inbox-limit", s.InboxLimit, usual.InboxLimit},
		{"log-bytes", s.LogBytes, usual.LogBytes},
		{"inbox-bytes", s.InboxBytes, usual.InboxBytes},
		{"events-age", s.EventsAge, usual.EventsAge},
		{"events-bytes", s.EventsBytes, usual.EventsBytes},
		{"files-url", s.Files.URL, usual.Files.URL},
		{"file-size", s.Files.Size, usual.Files.Size},
		{"file-lifetime", s.Files.Lifetime, usual.Files.Lifetime},
		{"file-bytes", s.Files.Bytes, usual.Files.Bytes},
	} {
		if f.value != f.than {
			flags = append(flags, fmt.Sprintf("-%s %v", f.name, f.value))
		}
	}
	return flags
}
