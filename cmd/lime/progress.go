package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// waits shows somebody at a terminal how much of a time has passed.
func (a *app) waits(during time.Duration, doing string) func(part float64) {
	out, ok := a.err.(*os.File)
	if !ok || a.output == outputJSON || !term.IsTerminal(int(out.Fd())) {
		return func(float64) {}
	}
	bar := progressbar.NewOptions64(during.Milliseconds(), progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(doing),
		progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(part float64) { _ = bar.Set64(int64(part * float64(during.Milliseconds()))) } // what cannot be shown is not
}
