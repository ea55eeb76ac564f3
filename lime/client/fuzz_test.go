package client

import (
	"context"
	"testing"
	"testing/synctest"

	"limegrove/lime"
)

// FuzzServer has a server say anything, as its login or after it, over WebSocket or TCP.
// Nothing of it may do more than end the session.
func FuzzServer(f *testing.F) {
	login := `{"id":"s1","state":"authenticating","schemeOptions":["guest"]}{"id":"s1","to":"` + ana + `","state":"established"}`
	for _, seed := range []string{
		login + message("1", "") + message("1", "") + `{"id":"1","from":"x@y/z","event":"failed","reason":"no"}`,
		`{"id":"s1","state":"negotiating","encryptionOptions":["tls"],"compressionOptions":["none"]}{"state":"negotiating","encryption":"tls","compression":"none"}` + "\x16\x03\x01",
		login + `{"id":"p","from":"x@y","method":"get","uri":"/ping"}{"id":"c","method":"set","uri":"lime://a@b/c?d=e","resource":{}}`,
		`{"state":"established"}{"metadata":{"a":null},"content":null}{"state":"failed","reason":{"code":12}}`,
		"\x81\x15" + `{"state":"finished"}`, "\x89\x00\x8a\x00\x88\x02\x03\xe8", "\x01\x01{\x80\x01}", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "\x82\x7e\x01\x00",
	} {
		for how := range 8 {
			f.Add(how&1 != 0, how&2 != 0, how&4 != 0, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, tcp, inSession, framed bool, said []byte) {
		synctest.Test(t, func(t *testing.T) {
			p := newPlace(t)
			mux := handler(func(context.Context, *Client, *lime.Message) error { return nil })
			mux.HandleNotification(func(context.Context, *Client, *lime.Notification) {})
			mux.HandleCommand(lime.MethodSet, "/", func(context.Context, *Client, *lime.Command) (*Document, error) { return nil, nil })
			cfg := Config{
				Node: lime.MustParseNode(ana), Handler: mux, Queue: 2, MaxEnvelope: 1 << 12, Backoff: Backoff{Tries: -1},
				PingInterval: -1, TLS: believing(),
			}
			var d *dialling
			var server *far
			if tcp {
				d = p.client("net.tcp://server", cfg)
				server = p.acceptTCP()
			} else {
				d = p.client("ws://server/", cfg)
				server = p.accept()
			}
			if inSession {
				server.begins(ana)
			}
			if framed && !tcp {
				server.says(string(said))
			} else {
				server.writes(string(said))
			}
			server.conn.Close()
			<-d.done
			if d.err == nil {
				<-d.client.Done()
				if d.client.Err() == nil {
					t.Error("no cause")
				}
			}
		})
	})
}
