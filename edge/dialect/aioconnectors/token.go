package aioconnectors

import (
	"context"
	"encoding/json"

	"limegrove/lime"
)

const kindToken = "_token"

// tokenCommand is what a connector says first in the mode of tokens.
type tokenCommand struct {
	Command string `json:"cmd"`
	Token   string `json:"token"`
}

// What it may want: its token, which it is given once, or to be let in by it.
const (
	tokenNew          = "get_new_token"
	tokenAuthenticate = "authenticate"
)

// byToken is the introduction of a connector that shows its token, or asks for it: A-13.
type byToken struct{}

var (
	noToken    = lime.NewReason(lime.CodeSessionError, "The first frame is no command about a token")
	tokenGiven = lime.NewReason(lime.CodeSessionError, "The connector was given a token, and comes again")
	noAnswer   = lime.NewReason(lime.CodeGeneralError, "Tokens cannot be looked at now")
)

// introduce is that of an introduction.
func (byToken) introduce(c *client, f *frame) (name string, why *lime.Reason) {
	if string(f.header.text("message_type")) != kindToken || json.Unmarshal(f.data, &c.wants) != nil {
		return "", noToken
	}
	if c.wants.Command != tokenNew && c.wants.Command != tokenAuthenticate {
		return "", noToken
	}
	return nameIn(f)
}

// asking is a client about which the registry is asked.
type asking struct{ *client }

// Ask is that of a dialect.Asker.
func (c asking) Ask(ctx context.Context) {
	if c.refused != nil {
		return
	}
	id, ok := c.cfg.identity(c.name)
	if !ok {
		c.refused = noName
		return
	}
	token := c.wants.Token
	c.wants.Token = ""
	var err error
	if c.wants.Command == tokenNew {
		if token, err = c.cfg.Registry.NewToken(ctx, id); err == nil {
			c.refused = tokenGiven
			c.parting = c.tell(kindToken, tokenCommand{Command: "set_new_token", Token: token})
		}
	} else if c.credential, err = c.cfg.Registry.Verify(ctx, id, token); err == nil {
		c.welcome = c.tell(kindToken, struct {
			Result string `json:"result"`
		}{"success"})
	}
	if err == nil {
		return
	}
	if c.refused = lime.AsReason(err); c.refused == nil {
		c.refused = noAnswer
	}
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
