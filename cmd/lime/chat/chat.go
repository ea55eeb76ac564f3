package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/gdamore/tcell/v3"

	"limegrove/lime"
	"limegrove/lime/client"
)

// Config is who chats, and where.
type Config struct {
	Server string        // URL of an edge
	Client client.Config // who logs in; the rest of it is this package's to set
	// Account tells that it is an account, which has contacts; a guest has none.
	Account bool
	// Certificate is what it logs in by, to be renewed; nil for something else.
	Certificate *client.Certificate
	// HTTP moves files. Default for those whom the system believes.
	HTTP *http.Client
	// With is whom the first conversation is with: a name, name@domain, or a room as #name or a path; "" for the lobby.
	With string

	// Spool is the directory in which own messages are kept until they are stored; "" for none.
	Spool string
	// Rooms is the file in which it is kept which rooms are to be entered; "" for none.
	Rooms string
	// Into is the directory for files that are fetched.
	Into string
	// Timeout is how long an answer is waited for.
	Timeout time.Duration
}

// Run chats at the process's terminal, until its user ends it or ctx is done, which is no
// error, or the server does not let the user in, which is. The terminal is left as it was, after a panic, too.
func Run(ctx context.Context, cfg Config) error {
	rooms, err := readRooms(cfg.Rooms)
	if err != nil {
		return err
	}
	s, left, err := openSession(cfg)
	if err != nil {
		return err
	}
	t, err := openScreen()
	if err != nil {
		return errors.Join(err, s.close())
	}
	p := &program{cfg: cfg, session: s, screen: t, model: newModel(cfg.Client.Node.Identity, cfg.Account, rooms)}
	return p.run(ctx, left)
}

// program is a loop between a terminal and a session.
type program struct {
	cfg     Config
	session *session
	screen  *screen
	model   *model
	ended   bool
}

// run is the whole program. It owns the screen and the session, and ends both.
func (p *program) run(ctx context.Context, left []*lime.Message) (err error) {
	var why string // of a panic
	func() {
		defer p.screen.Fini()
		defer func() {
			if broken := recover(); broken != nil {
				why = fmt.Sprintf("%v\n\n%s", broken, debug.Stack())
			}
		}()
		err = p.loop(ctx, left)
	}()
	err = errors.Join(err, p.session.close())
	if why != "" {
		panic("lime chat: " + why) // now that it can be read
	}
	return err
}

func (p *program) loop(ctx context.Context, left []*lime.Message) error {
	for _, m := range left {
		p.take(found{m})
	}
	w, h := p.screen.Size()
	p.take(resized{w, h})
	if p.cfg.With != "" {
		p.take(opening{p.cfg.With})
	}
	clock := time.NewTicker(time.Second) // for what is shown for a while
	defer clock.Stop()
	for !p.ended {
		p.screen.show(draw(p.model), p.model.title())
		select {
		case <-ctx.Done():
			return nil
		case <-p.session.client.Done():
			return p.session.client.Err()
		case e, ok := <-p.screen.EventQ():
			if err := failureOf(e); !ok || err != nil {
				return err
			}
			p.takeKey(e)
		case <-p.session.changed:
			p.take(p.session.connection())
		case e := <-p.session.events:
			p.takeEvent(e)
		case <-clock.C:
			p.take(tick{})
		}
		p.takeWaiting()
	}
	return nil
}

// failureOf is why the terminal has nothing more to tell.
func failureOf(e tcell.Event) error {
	if failed, ok := e.(*tcell.EventError); ok {
		return fmt.Errorf("read the terminal: %w", failed)
	}
	return nil
}

func (p *program) takeKey(e tcell.Event) {
	if one := p.screen.event(e); one != nil {
		p.take(one)
	}
}

// takeWaiting takes some of what has happened meanwhile, so that it is shown at once.
func (p *program) takeWaiting() {
	for range maxEvents {
		select {
		case e := <-p.session.events:
			p.takeEvent(e)
		default:
			return
		}
	}
}

// takeEvent takes an event of the session's.
func (p *program) takeEvent(e any) {
	switch e := e.(type) {
	case panicked:
		panic(e.why)
	case delivery:
		p.take(came{e.message})
		close(e.taken)
	default:
		p.take(e)
	}
}

// take changes the model, and does what it says.
func (p *program) take(event any) {
	for waiting := []any{event}; len(waiting) > 0; waiting = waiting[1:] {
		for _, e := range p.model.update(time.Now(), waiting[0]) {
			switch e := e.(type) {
			case quit:
				p.ended = true
			case keepRooms:
				if err := writeRooms(p.cfg.Rooms, e.rooms); err != nil {
					p.model.say("%v", err)
				}
			default:
				if answer := p.session.do(e); answer != nil {
					waiting = append(waiting, answer)
				}
			}
		}
	}
}

// readRooms reads which rooms are to be entered.
func readRooms(file string) (rooms []string, err error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &rooms)
	}
	if err != nil {
		return nil, fmt.Errorf("read the rooms in %s: %w", file, err)
	}
	return rooms, nil
}

// writeRooms puts others in their place, all or none.
func writeRooms(file string, rooms []string) error {
	if file == "" {
		return nil
	}
	b, err := json.Marshal(rooms)
	if err == nil {
		err = os.WriteFile(file+".new", append(b, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		return fmt.Errorf("keep the rooms in %s: %w", filepath.Base(file), err)
	}
	return nil
}
