package embedded

import (
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/sirupsen/logrus"
)

// A write that finds no space on the disk stops a stream until the server is started
// again. So the streams are refused more before it comes to that, by a limit that
// follows what is free: it heals when there is room again, whoever has made it.
const (
	// roomEvery is how often the disk is looked at. What others write meanwhile comes
	// out of the reserve.
	roomEvery = 500 * time.Millisecond

	// The reserve: a part of the disk, within bounds. Besides what others write in a
	// moment it is for what the server writes beside messages, such as indexes and the
	// marks of what was removed, without which nothing would ever become free.
	reservePart  = 20 // one in so many
	reserveLeast = 8 << 20
	reserveMost  = 1 << 30

	// roomLow is when it is told that there is no room, for some message is longer than
	// what is left, and roomAgain when it is told that there is.
	roomLow   = MaxPayload
	roomAgain = 4 * MaxPayload
)

// unlimited stands for no limit of the server's own, far below where sums overflow.
const unlimited = 1 << 50

// storeLimit is the server's own limit, which cannot follow the disk. Where the disk is
// not known, 0 has the server take three quarters of what is free at its start.
func storeLimit(dir string) int64 {
	if _, _, err := diskSpace(dir); err != nil {
		return 0
	}
	return unlimited
}

// room keeps the streams of a server from filling their disk.
type room struct {
	server *server.Server
	dir    string
	space  func(dir string) (free, size int64, err error)
	log    logrus.FieldLogger
	low    bool // it was told that there is none
	ailing bool // it was told that nothing is known of the disk
}

// run keeps the limit until stop is closed.
func (r *room) run(stop <-chan struct{}) {
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if err := r.look(); err != nil && !r.ailing {
			r.ailing = true
			r.log.WithError(err).Warn("the streams' room on the disk is not known; they may fill it")
		}
	}
}

// look sets the limit to what the streams have and may take.
func (r *room) look() error {
	free, size, err := r.space(r.dir)
	if err != nil {
		return fmt.Errorf("ask for the space in %s: %w", r.dir, err)
	}
	account := r.server.GlobalAccount()
	left := free - reserve(size)
	limits := server.JetStreamAccountLimits{
		MaxMemory: -1, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
		MaxStore: min(max(int64(account.JetStreamUsage().Store)+left, 0), unlimited/2),
	}
	if err := account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
		return fmt.Errorf("limit the streams: %w", err)
	}
	switch {
	case left < roomLow && !r.low:
		r.low = true
		r.log.WithFields(logrus.Fields{"folder": r.dir, "bytes": reserve(size)}).Warn("the disk is nearly full: with less free than so many bytes nothing more is stored")
	case left >= roomAgain && r.low:
		r.low = false
		r.log.WithField("folder", r.dir).Info("the disk has room again for what is to be stored")
	}
	return nil
}

// reserve is what is to stay free of a disk, in bytes.
func reserve(size int64) int64 { return min(max(size/reservePart, reserveLeast), reserveMost) }
