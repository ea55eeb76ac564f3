package aioconnectors

import (
	"context"
	"encoding/json"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

const kindToken = "_token"

// wish is what a connector says first that somebody has to be asked about.
type wish struct {
	Command string `json:"cmd"`
	Token   string `json:"token,omitempty"`
}

// What it may want: its token, which it is given once, or to be let in by it; or a certificate of its own.
const (
	tokenNew          = "get_new_token"
	tokenAuthenticate = "authenticate"
	certificateNew    = "get_new_certificate"
)

// byToken is the introduction of a connector that shows its token, or asks for it: A-13.
type byToken struct{}

var (
	noToken    = lime.NewReason(lime.CodeSessionError, "The first frame is no command about a token")
	tokenGiven = lime.NewReason(lime.CodeSessionError, "The connector was given a token, and comes again")
	noAnswer   = lime.NewReason(lime.CodeGeneralError, "Tokens cannot be looked at now")
)

// introduce is that of an introduction.
func (byToken) introduce(c *client, f *frame, _ *dialect.Peer) (name string, why *lime.Reason) {
	if string(f.header.text("message_type")) != kindToken || json.Unmarshal(f.data, &c.wants) != nil {
		return "", noToken
	}
	if c.wants.Command != tokenNew && c.wants.Command != tokenAuthenticate {
		return "", noToken
	}
	return nameIn(f)
}

// asking is a client about which the registry, or whoever makes certificates, is asked.
type asking struct{ *client }

// Ask is that of a dialect.Asker.
func (c asking) Ask(ctx context.Context) {
	if c.refused != nil || c.wants.Command == "" {
		return
	}
	id, ok := c.cfg.identity(c.name)
	if !ok {
		c.refused = noName
		return
	}
	var err error
	switch c.wants.Command {
	case tokenNew:
		err = c.giveToken(ctx, id)
	case tokenAuthenticate:
		err = c.takeToken(ctx, id)
	case certificateNew:
		err = c.giveCertificate(ctx, id)
	}
	c.wants = wish{}
	if err == nil {
		return
	}
	if c.refused = lime.AsReason(err); c.refused == nil {
		c.refused = noAnswer
	}
}

// giveToken gives the connector its token, with which it is to come again.
func (c *client) giveToken(ctx context.Context, id lime.Identity) error {
	token, err := c.cfg.Registry.NewToken(ctx, id)
	if err == nil {
		c.refused = tokenGiven
		c.gives(c.tell(kindToken, wish{Command: "set_new_token", Token: token}), func() { c.cfg.Registry.TakeBack(id, token) })
	}
	return err
}

// takeToken lets the connector in by its token.
func (c *client) takeToken(ctx context.Context, id lime.Identity) (err error) {
	c.holds(c.cfg.Registry.Hold(id))
	if c.credential, err = c.cfg.Registry.Verify(ctx, id, c.wants.Token); err == nil {
		c.welcome = c.tell(kindToken, struct {
			Result string `json:"result"`
		}{"success"})
	}
	return err
}

// tell returns a frame of the server's own, with data.
func (c *client) tell(kind string, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil {
		return nil // what it is given can be written
	}
	w := write(nil, kind)
	w.text("source_id", c.serverName())
	w.headed()
	w.part(text)
	return w.done()
}
