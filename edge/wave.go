package edge

import (
	"runtime"
	"runtime/debug"
)

// A session leaves garbage behind when it begins: its login, buffers that others need again only when
// they begin. A collector that runs when the heap has grown finds no reason to run when nobody comes
// any more, so that the edge would keep twice the memory of sessions that rest.

// wave tells when sessions have come, or gone, and no more do.
type wave struct {
	swept, last int // sessions: when it was last told, and at the last look
	calm        int // looks in a row
}

const (
	// waveLeast is how many sessions are a wave, and a part of those that were there before.
	waveLeast = 1000
	wavePart  = 4
	// Looks are calm when fewer sessions than this part came or went since the last one, and a wave is over
	// after so many of them.
	calmPart  = 200
	calmLooks = 10
)

// over takes the number of sessions, and tells once when a wave is over.
func (w *wave) over(sessions int) bool {
	w.calm++
	if distance(sessions, w.last) > max(sessions, w.last)/calmPart {
		w.calm = 0
	}
	w.last = sessions
	if w.calm < calmLooks || distance(sessions, w.swept) < max(waveLeast, w.swept/wavePart) {
		return false
	}
	w.swept = sessions
	return true
}

func distance(a, b int) int { return max(a-b, b-a) }

// giveBack gives memory back to the system when a wave is over. It takes some tens of milliseconds of a
// processor, and nobody waits for it.
func (e *Edge) giveBack() {
	if e.wave.over(int(e.sessions.Load())) {
		runtime.GC() // what pools have survives one
		debug.FreeOSMemory()
	}
}
