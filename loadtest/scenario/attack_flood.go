package scenario

import (
	"errors"
	"time"

	"limegrove/edge/poll"
	"limegrove/loadtest/client"
	"limegrove/loadtest/protocol"
)

// flood is sessions that say something as fast as they can.
type flood struct {
	*attack
	floods int // those of the engine that do, the first ones
	begun  bool
	append func(out []byte, from *client.Client) []byte
}

// newFlood floods with messages, each session another one that reads them.
func newFlood(a *attack) (Scenario, error) {
	f := &flood{attack: a, floods: a.load.Attackers}
	text := filler(a.load.Size)
	f.append = func(out []byte, from *client.Client) []byte {
		m := protocol.Message{Stamp: protocol.Stamp{Number: uint32(a.count.Sent), Due: a.engine.Now()}, Text: text}
		return a.say.AppendMessage(out, from.Number()+f.floods, &m)
	}
	return f, nil
}

// newCommands floods with commands to the server.
func newCommands(a *attack) (Scenario, error) {
	commander, ok := a.say.(protocol.Commander)
	if !ok {
		return nil, errors.New("this protocol has no commands")
	}
	return &flood{attack: a, floods: a.load.Attackers, append: func(out []byte, _ *client.Client) []byte {
		return commander.AppendCommand(out)
	}}, nil
}

// floodQueue is what waits for a socket of a flood, in bytes: more than a server takes within a tick.
const floodQueue = 256 << 10

// Tick is that of Scenario.
func (f *flood) Tick(t *poll.Turn, now time.Duration) (next time.Duration) {
	if !f.on(now) {
		if f.begun && now < f.course.End { // then the rest is waited for
			f.stop()
		}
		return now + attackTick
	}
	f.begun = true
	for i := range f.floods {
		for c := f.engine.At(i); c.InSession() && c.Conn().Queued() < floodQueue; {
			if c.SendBuffer(t, f.append(c.Buffer(), c)) != nil {
				break // it is about to end
			}
			f.count.Sent++
		}
	}
	return now + attackTick
}

// stop ends the sessions of a flood, with what is on its way in their sockets: the server would be busy with it for
// long. They come back.
func (f *flood) stop() {
	f.begun = false
	for i := range f.floods {
		f.engine.At(i).Close(errQuiet)
	}
}
