package routing

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// Order is a command for the server, on its way to a router's handler. Its
// envelope is the handler's.
type Order struct {
	Requester lime.Node // the session that asks, whom the answer goes to
	Guest     bool      // the requester is one
	Role      lime.Role // and what authority it has
	Envelope  []byte    // the command; its from was checked by the requester's edge
}

// login answers an edge, which waits.
func (w *Worker) login(ctx context.Context, msg *nats.Msg) {
	w.respond(msg, w.cfg.Login(ctx, msg.Data))
	clear(msg.Data) // credentials
}

// guests answers an edge about several guests.
func (w *Worker) guests(ctx context.Context, msg *nats.Msg) {
	w.respond(msg, w.cfg.Guests(ctx, msg.Data))
}

// authority answers an edge that wants a certificate for somebody.
func (w *Worker) authority(ctx context.Context, msg *nats.Msg) {
	answer := w.cfg.Authority(ctx, msg.Data)
	w.respond(msg, answer)
	clear(answer) // it may have a key
}

func (w *Worker) refuseLogin(msg *nats.Msg) { w.respond(msg, w.cfg.Busy) }

func (w *Worker) respond(msg *nats.Msg, answer []byte) {
	if err := msg.Respond(answer); err != nil {
		w.warn.Warn("could not answer a login", err)
	}
}

// command answers a session by an envelope of its own.
func (w *Worker) command(ctx context.Context, msg *nats.Msg) {
	requester, err := requesterOf(msg)
	if err != nil {
		w.warn.Tell(logrus.WarnLevel, "a command without a requester", err, logrus.Fields{"subject": msg.Subject})
		return
	}
	o := Order{Requester: requester, Guest: msg.Header.Get(headerGuest) != "", Role: roleOf(msg), Envelope: msg.Data}
	if answer := w.cfg.Command(ctx, o); answer != nil {
		w.answer(requester, msg, answer)
	}
}

// requesterOf returns the session that has sent a command.
func requesterOf(msg *nats.Msg) (lime.Node, error) {
	text, err := strconv.Unquote(msg.Header.Get(headerRequester))
	if err != nil {
		return lime.Node{}, err
	}
	n, err := lime.ParseNode(text)
	if err == nil && !n.Complete() {
		err = fmt.Errorf("%s: %w", text, lime.ErrAddress)
	}
	return n, err
}

// asker returns whose a command is, as the worker's queue knows it.
func asker(msg *nats.Msg) string {
	n, err := requesterOf(msg)
	if err != nil {
		return ""
	}
	return n.Identity.Fold().String()
}

// roleOf returns the authority of the session that has sent a command.
func roleOf(msg *nats.Msg) lime.Role {
	if r := lime.Role(msg.Header.Get(headerRole)); r != "" {
		return r
	}
	return lime.RoleMember
}

func (w *Worker) refuseCommand(msg *nats.Msg) {
	requester, err := requesterOf(msg)
	if err != nil {
		return
	}
	var h lime.Header
	if _, err := h.Scan(msg.Data); err != nil || !wantsAnswer(&h) {
		return
	}
	p := pending{id: h.ID, kind: h.Kind, method: h.Method}
	server := lime.ServerNode(w.cfg.Domains, requester.Domain, "")
	w.answer(requester, msg, appendFailure(nil, &p, server, requester, &lime.Reason{
		Code: lime.CodeGeneralError, Description: "Too many commands wait; try again later",
	}))
}

// answer publishes an envelope of the server, one hop on.
func (w *Worker) answer(to lime.Node, msg *nats.Msg, envelope []byte) {
	from, _ := subject.ParseReply(msg.Reply)
	address := subject.AppendTo(nil, []byte(to.Domain), []byte(to.Name), []byte(to.Instance), &subject.Scratch{})
	reply := subject.AppendReply(nil, w.prefix, from.Hops+1, subject.NoReply)
	if err := w.cfg.NATS.PublishRequest(string(address), string(reply), envelope); err != nil {
		w.warn.Warn("could not answer a command", err)
	}
}

var errBrokerAway = errors.New("ask a router: NATS is away")

// AskLogin asks any router about a session's credentials, and returns its answer.
// An error matching nats.ErrNoResponders says that there is no router.
func AskLogin(ctx context.Context, nc *nats.Conn, scheme string, question []byte) ([]byte, error) {
	return askRouter(ctx, nc, subject.Auth(scheme), question)
}

// askRouter asks a router about one login or several.
func askRouter(ctx context.Context, nc *nats.Conn, subject string, question []byte) ([]byte, error) {
	if !nc.IsConnected() { // the library would speak of its buffer
		return nil, errBrokerAway
	}
	for patience := loginPatience; ; patience *= 2 {
		one, cancel := context.WithTimeout(ctx, patience)
		msg, err := nc.RequestWithContext(one, subject, question)
		cancel()
		switch {
		case err == nil:
			return msg.Data, nil
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("ask a router: %w", err)
		}
	}
}

// loginPatience is how long one router may take for a login before another is asked,
// too; it doubles. The first may be stalled, and its place in the queue group with it.
const loginPatience = 2 * time.Second
