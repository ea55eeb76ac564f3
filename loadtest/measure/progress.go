package measure

import (
	"fmt"
	"io"
	"time"

	"limegrove/loadtest/fleet"
)

// progressEvery is how often people are told how far it has come.
const progressEvery = 2 * time.Second

// tellProgress tells it until the function that it returns is called.
func tellProgress(to io.Writer, f *fleet.Fleet, epoch time.Time) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		every := time.NewTicker(progressEvery)
		defer every.Stop()
		var before fleet.Progress
		for {
			select {
			case <-done:
				return
			case <-every.C:
				p := f.Progress()
				seconds := progressEvery.Seconds()
				tell(to, "  %4.0f s  %d in session (%+.0f/s)  %.0f/s sent  %.0f/s delivered  %d under way\n",
					time.Since(epoch).Seconds(), p.Ready, float64(p.Ready-before.Ready)/seconds,
					float64(p.Sent-before.Sent)/seconds, float64(p.Delivered-before.Delivered)/seconds, p.Sent-p.Delivered)
				before = p
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// tell prints for people. A terminal that is gone harms no measurement.
func tell(to io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(to, format, args...) }
