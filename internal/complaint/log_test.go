package complaint

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

func TestTroublesThatComeInCrowdsAreCounted(t *testing.T) {
	for _, pause := range []time.Duration{0, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			logger, lines := test.NewNullLogger()
			l := &Log{Logger: logger, Pause: pause}
			away := errors.New("away")
			for range 3 {
				l.Warn("one", away)
			}
			l.Warn("another", "away")
			if pause == 0 {
				pause = defaultPause
			}
			time.Sleep(pause - 1)
			l.Warn("one", away)
			time.Sleep(time.Nanosecond)
			l.Warn("one", away)
			type line struct {
				says   string
				others any
			}
			want := []line{{"one", 0}, {"another", 0}, {"one", 3}}
			all := lines.AllEntries()
			for i, e := range all {
				if i < len(want) && (line{e.Message, e.Data["others"]}) != want[i] || fmt.Sprint(e.Data["error"]) != "away" {
					t.Errorf("line %d is %q with %v", i, e.Message, e.Data)
				}
			}
			if len(all) != len(want) {
				t.Errorf("%d lines, want %d", len(all), len(want))
			}
		})
	}
}

func TestWhatIsSaidOfAnotherPartIsNotTheSame(t *testing.T) {
	logger, lines := test.NewNullLogger()
	l := &Log{Logger: logger}
	for range 2 {
		for p := range 3 {
			l.Tell(logrus.ErrorLevel, "one", nil, logrus.Fields{"partition": p, "bytes": p})
		}
	}
	l.Error("one", "away")
	var got []string
	for _, e := range lines.AllEntries() {
		got = append(got, fmt.Sprint(e.Level, e.Data["partition"], e.Data["bytes"], e.Data["error"]))
	}
	if want := []string{"error 0 0 <nil>", "error 1 1 <nil>", "error 2 2 <nil>", "error <nil> <nil>away"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
