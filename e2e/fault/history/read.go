package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// maxLine bounds a line of a history; none comes near.
const maxLine = 1 << 20

// Read yields the events of a history in order. An error is the last that it yields.
func Read(from io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		lines := bufio.NewScanner(from)
		lines.Buffer(make([]byte, 0, 1<<16), maxLine)
		for n := 1; lines.Scan(); n++ {
			var e Event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				yield(Event{}, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Event{}, fmt.Errorf("read a history: %w", err))
		}
	}
}

// ReadFiles yields the events of files of one recorder, merged by time. An error is
// the last that it yields.
func ReadFiles(paths ...string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		var all []iter.Seq2[Event, error]
		for _, path := range paths {
			f, err := os.Open(path)
			if err != nil {
				yield(Event{}, fmt.Errorf("open a history: %w", err))
				return
			}
			defer f.Close() //nolint:gocritic,revive // a few files, and all are read until the end
			all = append(all, Read(f))
		}
		if len(all) == 0 {
			yield(Event{}, errors.New("no history given"))
			return
		}
		Merge(all...)(yield)
	}
}

// Merge yields the events of histories of one recorder in the order of their times,
// those of the earlier history first where they are equal.
func Merge(all ...iter.Seq2[Event, error]) iter.Seq2[Event, error] {
	if len(all) == 1 {
		return all[0]
	}
	return func(yield func(Event, error) bool) {
		var heads []*head
		for _, one := range all {
			next, stop := iter.Pull2(one)
			defer stop() //nolint:gocritic,revive // a few histories, and all are read until the end
			if h := (&head{next: next}); h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			first := 0
			for i, h := range heads {
				if h.event.At < heads[first].event.At {
					first = i
				}
			}
			h := heads[first]
			if !yield(h.event, h.err) || h.err != nil {
				return
			}
			if !h.advance() {
				heads = append(heads[:first], heads[first+1:]...)
			}
		}
	}
}

// head is a history that is merged, and its next event.
type head struct {
	next  func() (Event, error, bool)
	event Event
	err   error
}

func (h *head) advance() (ok bool) {
	h.event, h.err, ok = h.next()
	return ok
}
