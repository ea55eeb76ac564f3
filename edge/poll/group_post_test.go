package poll

import (
	"errors"
	"testing"
)

func TestPostReachesEachLoop(t *testing.T) {
	g, err := NewGroup(Config{Loops: 3, Goroutines: true})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- g.Run(t.Context()) }()
	turns := make(chan *Turn)
	seen := map[*Turn]bool{}
	for i := range g.Loops() {
		if err := g.Post(i, func(turn *Turn) { turns <- turn }); err != nil {
			t.Fatal(err)
		}
		seen[<-turns] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d loops were reached", len(seen))
	}
	g.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := g.Post(0, func(*Turn) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
