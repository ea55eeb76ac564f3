package main

import (
	"io"
	"os"
	"testing"
	"time"

	"limegrove/internal/config"
	"limegrove/routing"
)

// What is published again until it is given up must be known again by then.
func TestTheDuplicateWindowIsLongerThanStoresAreTried(t *testing.T) {
	parse := func(window time.Duration) error {
		_, err := config.ParseEdge([]string{"-duplicate-window", window.String()}, os.Getenv, io.Discard)
		return err
	}
	const least = 2 * routing.DefaultStoreTimeout
	if parse(least-time.Millisecond) == nil {
		t.Errorf("less than %s is accepted", least)
	}
	if err := parse(least); err != nil {
		t.Errorf("%s is refused: %v", least, err)
	}
}
