package routing

import (
	"context"
	"sync"
)

// answerAsked has n goroutines take questions and answer them, one each at a time, until
// ctx is done. What nobody has taken by then is not answered.
func answerAsked[Q any](ctx context.Context, n int, asked <-chan Q, answer func(Q)) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case q := <-asked:
					answer(q)
				}
			}
		})
	}
	all.Wait()
}
