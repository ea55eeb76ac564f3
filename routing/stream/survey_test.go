package stream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

func TestSurvey(t *testing.T) {
	suite(t, map[string]func(*world){
		"it counts what waits, and for whom": func(w *world) {
			s := w.open(stream.Config{Partitions: 2})
			counts := map[string]int{"ana@example.org": 3, "rui@example.org": 5, "lia@example.org": 1}
			for id, n := range counts {
				key, err := subject.MakeKey(lime.MustParseIdentity(id))
				w.must("make a key", err)
				p := key.Partition(2)
				for i := range n {
					token := subject.Identity
					if i == 0 {
						token = subject.Token("home")
					}
					w.store(key.Inbox(p, token), "x")
				}
			}
			var got stream.Survey
			w.eventually("all is counted", func() bool { // list of streams, of which replicas may be behind
				var err error
				got, err = s.Survey(w.ctx, 2)
				w.must("look", err)
				return len(got.Waiting) == 2 && len(got.Streams) == 6
			})
			if got.Waiting[0] != (stream.Backlog{Identity: lime.MustParseIdentity("rui@example.org"), Messages: 5}) || got.Waiting[1].Messages != 3 || len(got.Uncounted) > 0 {
				w.Errorf("waiting is %+v, without %q", got.Waiting, got.Uncounted)
			}
			messages, addresses := uint64(0), uint64(0)
			for _, one := range got.Streams {
				if strings.HasPrefix(one.Name, "INBOX_") {
					messages += one.Messages
					addresses += one.Addresses
				}
				if one.Messages > 0 && (one.Bytes == 0 || time.Since(one.Oldest) > time.Hour) || len(one.Readers) > 0 {
					w.Errorf("there is %+v", one)
				}
			}
			if first := got.Streams[0].Name; messages != 9 || addresses != 5 || first != "GROUP_0" {
				w.Errorf("%d messages for %d addresses, %s first", messages, addresses, first)
			}

			_, err := w.js.CreateConsumer(w.ctx, "INBOX_0", jetstream.ConsumerConfig{Name: "one", Durable: "one", AckPolicy: jetstream.AckExplicitPolicy})
			w.must("make a consumer", err)
			w.eventually("it is listed", func() bool {
				got, err = s.Survey(w.ctx, 0)
				w.must("look", err)
				for _, one := range got.Streams {
					if one.Name == "INBOX_0" && len(one.Readers) == 1 && one.Readers[0].Name == "one" && one.Readers[0].Pending >= one.Messages {
						return len(got.Waiting) == 0
					}
				}
				return false
			})
		},
	})
}
