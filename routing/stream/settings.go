package stream

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/routing/subject"
)

// copyWindow is for how long the inbox knows a copy again: longer than a sweep that
// was broken off takes to begin again.
const copyWindow = 10 * time.Minute

// grace is what the inbox adds to a message's lifetime.
const grace = time.Hour

func (c Config) logSettings(p int) jetstream.StreamConfig {
	settings := jetstream.StreamConfig{
		Name:        logStream(p),
		Description: "Limegrove log",
		Subjects:    []string{logAll(p)},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Replicas:    c.Replicas,
		AllowDirect: true,
		RePublish:   &jetstream.RePublish{Source: logAll(p), Destination: toAll},
		Duplicates:  c.DuplicateWindow,
	}
	if c.LogBytes > 0 {
		settings.MaxBytes, settings.Discard = c.LogBytes, jetstream.DiscardNew
	}
	return settings
}

func (c Config) inboxSettings(p int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                 inboxStream(p),
		Description:          "Limegrove inbox",
		Subjects:             []string{inboxAll(p)},
		Retention:            jetstream.LimitsPolicy,
		Storage:              jetstream.FileStorage,
		Replicas:             c.Replicas,
		AllowDirect:          true,
		RePublish:            &jetstream.RePublish{Source: inboxAll(p), Destination: toAll},
		Duplicates:           copyWindow,
		MaxAge:               c.Lifetime + grace,
		MaxMsgsPerSubject:    2 * int64(c.InboxLimit),
		MaxBytes:             c.InboxBytes,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		AllowMsgTTL:          true,
	}
}

// groupSettings are those of the messages that routers have yet to fan out: a log whose
// messages leave it one by one, when each member has a copy. It tells of what it has stored
// by headers alone, for whoever fans out reads it in order.
func (c Config) groupSettings(p int) jetstream.StreamConfig {
	settings := jetstream.StreamConfig{
		Name:        subject.GroupStream(p),
		Description: "Limegrove group messages",
		Subjects:    []string{subject.GroupAll(p)},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Replicas:    c.Replicas,
		AllowDirect: true,
		RePublish:   &jetstream.RePublish{Source: subject.GroupAll(p), Destination: subject.GroupedAll(p), HeadersOnly: true},
		Duplicates:  c.DuplicateWindow,
		MaxAge:      c.Lifetime + grace,
	}
	if c.LogBytes > 0 {
		settings.MaxBytes, settings.Discard = c.LogBytes, jetstream.DiscardNew
	}
	return settings
}

// eventWindow is for how long a stream of events knows their ids again: longer than whoever
// has not heard that one is stored waits until it tells it again.
const eventWindow = 2 * time.Minute

// eventSettings are those of events on their way to whoever wants to hear of them. When
// there is no more room the oldest go: whoever tells of events waits for nobody.
func (c Config) eventSettings(p int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        subject.EventStream(p),
		Description: "Limegrove events",
		Subjects:    []string{subject.EventAll(p)},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Replicas:    c.Replicas,
		AllowDirect: true,
		RePublish:   &jetstream.RePublish{Source: subject.EventAll(p), Destination: subject.EventedAll(p), HeadersOnly: true},
		Duplicates:  eventWindow,
		MaxAge:      c.EventsAge,
		MaxBytes:    c.EventsBytes,
		Discard:     jetstream.DiscardOld,

		MaxMsgsPerSubject: int64(c.EventsEach),
	}
}

// How long events are kept that an endpoint did not take, and how many bytes of them.
const (
	deadAge   = 30 * 24 * time.Hour
	deadBytes = 256 << 20
)

func (c Config) deadSettings() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        subject.DeadStream,
		Description: "Limegrove dead letters",
		Subjects:    []string{subject.DeadAll},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Replicas:    c.Replicas,
		AllowDirect: true,
		Duplicates:  eventWindow,
		MaxAge:      deadAge,
		MaxBytes:    deadBytes,
		Discard:     jetstream.DiscardOld,
	}
}

// roomSettings are those of what is published to rooms that keep it. When a room has as much
// as it may, its oldest message goes.
func (c Config) roomSettings(p int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              subject.RoomStream(p),
		Description:       "Limegrove rooms",
		Subjects:          []string{subject.RoomLogAll(p)},
		Retention:         jetstream.LimitsPolicy,
		Storage:           jetstream.FileStorage,
		Replicas:          c.Replicas,
		AllowDirect:       true,
		RePublish:         &jetstream.RePublish{Source: subject.RoomLogAll(p), Destination: subject.RoomAll},
		Duplicates:        c.DuplicateWindow,
		MaxAge:            c.RoomAge,
		MaxMsgsPerSubject: int64(c.RoomMessages),
		MaxBytes:          c.RoomBytes,
		Discard:           jetstream.DiscardOld,
	}
}

// firstSequence is where a stream begins that is made now: at the microseconds since
// 1970. So the sequences of one that is made anew are above all of the one before it, as
// long as that stored fewer than a million messages a second over its life, and what
// remembers a sequence need not know which of the two it is of. JSON and Lua have them
// exactly: they stay below 2^53 until the year 2255.
//
// Where this clock is behind that of whoever made the one before, it begins as much above
// the last sequence that was seen of that as may have been stored since.
func firstSequence(now time.Time, last uint64) uint64 {
	const storedSince = uint64(lookRound / time.Microsecond)
	first := uint64(max(now.UnixMicro(), 1))
	if first <= last {
		first = last + storedSince
	}
	return first
}

// settings are those of a stream.
func (c Config) settings(of side) jetstream.StreamConfig {
	switch {
	case of.inbox:
		return c.inboxSettings(of.p)
	case of.group:
		return c.groupSettings(of.p)
	case of.room:
		return c.roomSettings(of.p)
	case of.event:
		return c.eventSettings(of.p)
	case of.dead:
		return c.deadSettings()
	}
	return c.logSettings(of.p)
}

// mismatch says which settings a stream has that were not expected; "" when it has
// none. The replicas, where they are placed, and how they are compressed are the
// operator's to change; and where its sequences begin is of when it was made, 1 in older
// clusters.
func mismatch(have, want jetstream.StreamConfig) string {
	var found []string
	differ := func(setting string, have, want any) {
		if h, w := fmt.Sprint(have), fmt.Sprint(want); h != w {
			found = append(found, fmt.Sprintf("%s is %s, not %s", setting, h, w))
		}
	}
	differ("subjects", have.Subjects, want.Subjects)
	differ("retention", have.Retention, want.Retention)
	differ("storage", have.Storage, want.Storage)
	differ("persist_mode", have.PersistMode, want.PersistMode)
	differ("allow_direct", have.AllowDirect, want.AllowDirect)
	differ("republish", republish(have), republish(want))
	differ("duplicate_window", have.Duplicates, want.Duplicates)
	differ("max_age", have.MaxAge, want.MaxAge)
	differ("max_msgs", limit(have.MaxMsgs), limit(want.MaxMsgs))
	differ("max_msgs_per_subject", limit(have.MaxMsgsPerSubject), limit(want.MaxMsgsPerSubject))
	differ("max_bytes", limit(have.MaxBytes), limit(want.MaxBytes))
	differ("max_msg_size", limit(int64(have.MaxMsgSize)), limit(int64(want.MaxMsgSize)))
	differ("discard", have.Discard, want.Discard)
	differ("discard_new_per_subject", have.DiscardNewPerSubject, want.DiscardNewPerSubject)
	differ("allow_msg_ttl", have.AllowMsgTTL, want.AllowMsgTTL)
	differ("no_ack", have.NoAck, want.NoAck)
	differ("sealed", have.Sealed, want.Sealed)
	differ("deny_delete", have.DenyDelete, want.DenyDelete)
	differ("deny_purge", have.DenyPurge, want.DenyPurge)
	differ("subject_transform", have.SubjectTransform != nil, want.SubjectTransform != nil)
	differ("mirror", have.Mirror != nil, want.Mirror != nil)
	differ("sources", len(have.Sources), len(want.Sources))
	return strings.Join(found, ", ")
}

// limit is a bound as people read it; JetStream writes none as -1.
func limit(n int64) string {
	if n <= 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

func republish(c jetstream.StreamConfig) string {
	if c.RePublish == nil {
		return "none"
	}
	s := c.RePublish.Source + " to " + c.RePublish.Destination
	if c.RePublish.HeadersOnly {
		s += " without payload"
	}
	return s
}
