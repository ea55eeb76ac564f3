package checker

import (
	"iter"

	"limegrove/e2e/fault/history"
)

// CheckAnd is Check that calls then while all that it keeps is in use.
func CheckAnd(events iter.Seq2[history.Event, error], then func()) (*Report, error) {
	return Check(func(yield func(history.Event, error) bool) {
		events(func(e history.Event, err error) bool {
			if e.Kind == history.End {
				then()
			}
			return yield(e, err)
		})
	}, Config{})
}
